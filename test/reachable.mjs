// Which compiled files a change concerns, for `npm test -- --changed`.
import { execFileSync } from 'node:child_process';

/** Reach every test: what is installed, compiled and started. */
const FOR_ALL =
  /(^|\/)(package\.json|tsconfig\.json|pnpm-lock\.yaml|pnpm-workspace\.yaml|jest\.config\.mjs|\w+\.mjs)$/;
const SOURCE = /^(packages\/[^/]+|examples\/[^/]+)\/src\/(.+)\.tsx?$|^test\/(.+)\.ts$/;

/**
 * Files for Jest's --findRelatedTests: the compiled forms of what differs from `base` in the work tree, and the suites that read the
 * tree as text.
 * @returns {string[] | undefined} undefined: everything is concerned
 */
export function reachable(root, base) {
  const git = (...args) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean);
  const changed = [...git('diff', '--name-only', base), ...git('ls-files', '--others', '--exclude-standard')];
  if (changed.some((path) => FOR_ALL.test(path))) return undefined;
  return [...changed.flatMap((path) => compiled(path) ?? []), ...suitesThatReadTheTree(git)];
}

function compiled(path) {
  const match = SOURCE.exec(path);
  if (!match) return undefined;
  const [, project, source, test] = match;
  return project ? `${project}/dist/${source}.js` : `test/dist/${test}.js`;
}

function suitesThatReadTheTree(git) {
  return git('ls-files', 'test/tidy/*.test.ts', 'test/docs/*.test.ts').map(compiled);
}
