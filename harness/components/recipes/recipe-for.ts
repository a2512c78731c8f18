/** Chooses the recipe for one version of a component. */
import { CoalmineError } from '../../core/errors.ts';
import type { ComponentName } from '../component.ts';
import { OLD_KUBE_PROXY } from './old-kube-proxy.ts';
import { MODULE_RECIPES, type ModuleRecipe } from './recipe.ts';
import type { Version } from './version.ts';

type Release = Pick<Version, 'major' | 'minor'>;

/** Throws `component` where none can build that version, and says which can be built. */
export function recipeFor(component: ComponentName, version: Release): ModuleRecipe {
  const recipes = recipesOf(component);
  if (recipes.length === 0) throw new CoalmineError('component', 'it is not a Go program');
  const found = recipes.find(
    ({ since, before }) =>
      isFrom(version, since) && (before === undefined || !isFrom(version, before)),
  );
  if (found !== undefined) return found;
  throw new CoalmineError('component', `only ${recipes.map(range).join(', ')} can be built`);
}

function recipesOf(component: ComponentName): readonly ModuleRecipe[] {
  const recipe = MODULE_RECIPES[component];
  const old = component === 'kube-proxy' ? OLD_KUBE_PROXY : [];
  return recipe === undefined ? old : [recipe, ...old];
}

function isFrom({ major, minor }: Release, [fromMajor, fromMinor]: readonly [number, number]) {
  return major > fromMajor || (major === fromMajor && minor >= fromMinor);
}

/** `1.20 and newer`, `1.16 to 1.19`, `1.13`. */
function range({ since: [major, minor], before }: ModuleRecipe): string {
  const first = `${major}.${minor}`;
  if (before === undefined) return `${first} and newer`;
  const last = before[1] - 1;
  return last === minor ? first : `${first} to ${before[0]}.${last}`;
}
