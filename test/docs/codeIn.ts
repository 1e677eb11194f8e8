import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A path of the workspace, seen from test/dist/docs. */
export const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** The programs that a README shows. */
export function codeIn(path: string): string[] {
  const text = readFileSync(root(path), 'utf8');
  return [...text.matchAll(/```[jt]s\n([^]*?)```/g)].map((match) => match[1] as string);
}

/** The programs behind `@example` in the sources of a package, by the name of the function or method they show. */
export function examplesIn(sources: string): [name: string, code: string][] {
  const files = readdirSync(root(sources), { recursive: true, encoding: 'utf8' });
  const shipped = files.filter((file) => file.endsWith('.ts') && !file.includes('.test.'));
  return shipped.sort().flatMap((file) => {
    const text = readFileSync(`${root(sources)}/${file}`, 'utf8');
    const found = text.matchAll(
      / \* @example\n *\* ```ts\n([^]*?) \* ```\n[^]*?\*\/\n(?:export (?:async )?function| ) *(\w+)/g,
    );
    return [...found].map(([, code = '', name = '']): [string, string] => [
      name,
      code.replace(/^ *\* ?/gm, ''),
    ]);
  });
}

/** The functions that the door of a package exports, by name. */
export async function functionsOf(door: string): Promise<string[]> {
  const exported = (await import(door)) as Record<string, unknown>;
  const isFunction = (value: unknown) => typeof value === 'function' && !String(value).startsWith('class ');
  return Object.keys(exported).filter((name) => isFunction(exported[name]));
}
