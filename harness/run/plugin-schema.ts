/** `fault: { freeze: { node: worker, for: 5s } }`: one key, the plug-in's name, whose value is that plug-in's parameters. */
import { z } from 'zod';
import type { PluginUse } from '../core/plan.ts';

export interface Plugin {
  readonly name: string;
  readonly params: z.ZodType;
}

/** Returns a schema that takes exactly one plug-in of the list, with its parameters checked by its own schema. */
export function onePlugin(kind: string, plugins: readonly Plugin[]) {
  const names = plugins.map(({ name }) => name).join(', ');
  return z
    .strictObject(Object.fromEntries(plugins.map(({ name, params }) => [name, params.optional()])))
    .refine((value) => Object.keys(value).length === 1, {
      message: `name exactly one ${kind}: ${names}`,
    });
}

/** Returns a schema that takes any number of plug-ins of the list, each at most once. */
export function manyPlugins(plugins: readonly Plugin[]) {
  return z.strictObject(
    Object.fromEntries(plugins.map(({ name, params }) => [name, params.optional()])),
  );
}

/** Returns the uses of a checked object as written, so that plan.json says what the scenario says. */
export function pluginUses(written: Readonly<Record<string, unknown>>): PluginUse[] {
  return Object.entries(written).map(([name, params]) => ({
    name,
    params: (params ?? {}) as Record<string, unknown>,
  }));
}
