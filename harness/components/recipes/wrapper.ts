/**
 * The text of a wrapper module. Some programs cannot be `go install`ed because their go.mod replaces modules by local
 * folders; a module of our own that requires them and says the replacements anew can build them.
 */

/** What a module's own go.mod says that a wrapper must repeat. */
export interface ModuleFacts {
  /** The `go` line: `1.24.0`. */
  goVersion: string;
  /** Modules that the go.mod replaces by a folder below ./staging. */
  staging: readonly string[];
  /** Those of them that it requires: the others are examples, which nothing imports and not every proxy serves. */
  stagingRequired: readonly string[];
  /** Its replacements by other modules, as go.mod writes them: `a.example/x => b.example/y v1.2.3`. */
  replaced: readonly string[];
}

/** Named by go.mods of before 1.20 and imported by nothing that we build; the host that served it is gone. */
export const DEAD_MODULE = { name: 'vbom.ml/util', folder: 'empty' } as const;

export function readModuleFacts(goMod: string): ModuleFacts {
  const goVersion = /^go (\S+)$/m.exec(goMod)?.[1];
  if (goVersion === undefined) throw new Error('a go.mod without a go line');
  const matches = [...goMod.matchAll(/^\s*(?:replace\s+)?(\S+) => \.\/staging\//gm)].map(
    ([, module = '']) => module,
  );
  const staging = [...new Set(matches)].sort();
  const required = new Set(
    [...goMod.matchAll(/^\s*(?:require\s+)?(\S+) v0\.0\.0$/gm)].map(([, module]) => module),
  );
  return {
    goVersion,
    staging,
    stagingRequired: staging.filter((name) => required.has(name)),
    replaced: [...goMod.matchAll(/^\s*(?:replace\s+)?(\S+(?: v\S+)? => [^\s.]\S* v\S+)/gm)]
      .map(([, line = '']) => line)
      .filter((line) => !line.startsWith(`${DEAD_MODULE.name} `)),
  };
}

export interface Wrapper {
  module: string;
  /** With the leading v, as Go writes versions. */
  version: string;
  facts: ModuleFacts;
  /** The version at which each staging module is published on its own: Kubernetes v1.34.3 is v0.34.3. */
  stagingVersion: string;
}

export function wrapperGoMod(wrapper: Wrapper): string {
  const { module, version, facts, stagingVersion } = wrapper;
  return [
    'module coalmine/build',
    `go ${facts.goVersion}`,
    `require ${module} ${version}`,
    ...facts.staging.map((name) => `replace ${name} => ${name} ${stagingVersion}`),
    ...facts.replaced.map((line) => `replace ${line}`),
    ...(hasDeadModule(facts) ? [`replace ${DEAD_MODULE.name} => ./${DEAD_MODULE.folder}`] : []),
    '',
  ].join('\n');
}

/** Go reads the go.mod of each module in the graph, needed or not. Releases of that time pin all of them. */
export function hasDeadModule({ replaced }: ModuleFacts): boolean {
  return replaced.length > 0;
}

/** A file that is never compiled and keeps the packages' dependencies in the module graph. */
export function wrapperToolsGo(packages: readonly string[]): string {
  return [
    '//go:build tools',
    '',
    'package tools',
    '',
    'import (',
    ...packages.map((name) => `\t_ "${name}"`),
    ')',
    '',
  ].join('\n');
}
