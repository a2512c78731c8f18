/** The list of shipped scenarios with the first sentence of why each exists. */
import { loadScenario, shippedScenarios } from './scenario-file.ts';

export interface ScenarioSummary {
  name: string;
  summary: string;
}

export function describeScenarios(): ScenarioSummary[] {
  return shippedScenarios().map((name) => {
    const { why } = loadScenario(name).scenario;
    const flat = why.trim().replaceAll(/\s+/g, ' ');
    return { name, summary: /^.*?\.(?=\s|$)/.exec(flat)?.[0] ?? flat };
  });
}
