/**
 * JUnit: a suite is a scenario (and cell), a test case is a checker. Names are stable and hold nothing measured, or pass
 * rates over many runs are lost. Fail is `failure`, inconclusive is `error`, a cell that was not run is `skipped`.
 */
import type { CellResult, JudgedFinding, RunResult } from '../core/result.ts';
import { controlVerdict, type ControlVerdict } from './control.ts';
import { titleOf, versionsOf } from './words.ts';
import { element, renderXml, type XmlElement } from './xml.ts';

/** The test case that says whether anything was left on the target. */
const CLEAN = 'left-nothing-behind';

/** The test case of a control. */
const CONTROL = 'came-out-as-stated';

export type JunitCell = { result: RunResult } | { unjudged: CellResult };

export function junitXml(cells: readonly JunitCell[]): string {
  const suites = cells.map((cell) =>
    'result' in cell ? judgedSuite(cell.result) : unjudgedSuite(cell.unjudged),
  );
  return renderXml(element('testsuites', { name: 'coalmine', ...counts(suites) }, suites));
}

function judgedSuite(result: RunResult): XmlElement {
  const name = titleOf(result);
  const control = controlVerdict(result);
  const judged =
    control === undefined
      ? result.findings.map((one) => testcase(name, one))
      : [controlCase(name, control, result.findings)];
  const cases = [...judged, cleanCase(name, result)];
  const properties = [
    ['run', result.runId] as const,
    ['coalmine', result.environment.coalmine.version] as const,
    ...versionsOf(result),
  ].map(([key, value]) => element('property', { name: key, value }));
  return suite(
    name,
    { timestamp: result.startedAt, time: (result.durationMs / 1_000).toFixed(3) },
    [element('properties', {}, properties), ...cases],
  );
}

/** What cannot run here is skipped; what should have run and has no verdict must not look so harmless. */
function unjudgedSuite(cell: CellResult): XmlElement {
  const name = titleOf(cell);
  const { outcome: type, summary: message } = cell;
  const outcome =
    type === 'skipped' && cell.expects === undefined
      ? element('skipped', { message })
      : element('error', { message, type });
  return suite(name, {}, [element('testcase', { classname: name, name: 'cell' }, [outcome])]);
}

function testcase(classname: string, finding: JudgedFinding): XmlElement {
  const { checker, verdict, summary, details, evidence } = finding;
  const text = [...details, ...Object.entries(evidence).map(([key, value]) => `${key}: ${value}`)];
  const body = text.join('\n');
  const outcome = {
    pass: element('system-out', {}, [body]),
    fail: element('failure', { message: summary, type: 'fail' }, [body]),
    inconclusive: element('error', { message: summary, type: 'inconclusive' }, [body]),
  }[verdict];
  return element('testcase', { classname, name: checker }, [outcome]);
}

/** That a check of a known bad failed is no failure of the control: what was found is text, and one case judges it. */
function controlCase(
  classname: string,
  { verdict, summary }: ControlVerdict,
  findings: readonly JudgedFinding[],
): XmlElement {
  const details = findings.map((one) => `${one.verdict} ${one.checker}: ${one.summary}`);
  const finding = { checker: CONTROL, verdict, summary, details, evidence: {}, params: {} };
  return testcase(classname, finding);
}

function cleanCase(classname: string, { dirty, left }: RunResult): XmlElement {
  const message = left[0] ?? 'something is left on the target';
  const failure = element('failure', { message, type: 'dirty' }, [left.join('\n')]);
  return element('testcase', { classname, name: CLEAN }, dirty ? [failure] : []);
}

function suite(
  name: string,
  attributes: Readonly<Record<string, string>>,
  children: readonly XmlElement[],
): XmlElement {
  const cases = children.filter((child) => child.name === 'testcase');
  const having = (kind: string): number =>
    cases.filter((one) =>
      one.children.some((child) => typeof child !== 'string' && child.name === kind),
    ).length;
  const own = {
    tests: cases.length,
    failures: having('failure'),
    errors: having('error'),
    skipped: having('skipped'),
  };
  return element('testsuite', { name, ...own, ...attributes }, children);
}

function counts(suites: readonly XmlElement[]): Record<string, number> {
  const sum = (key: string): number =>
    suites.reduce((total, { attributes }) => total + Number(attributes[key]), 0);
  return {
    tests: sum('tests'),
    failures: sum('failures'),
    errors: sum('errors'),
    skipped: sum('skipped'),
  };
}
