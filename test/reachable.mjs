// Which suites a change can reach, for `npm test -- --changed`: too many rather than too few.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** Reaches every suite: what is installed and compiled, and what runs the suites. */
const FOR_ALL = [
  /(^|\/)(package|tsconfig)\.json$/,
  /^(pnpm-lock|pnpm-workspace)\.yaml$/,
  /^jest\.config\.mjs$|^test\/\w+\.mjs$/,
  /^packages\/dev\/(install|orphan)\.mjs$/,
];
/** Read the whole tree: they run whatever has changed. */
const READ_ALL = /^test\/(tidy|docs)\/|^test\/dev\/reachable/;
/** Reach nothing but those: settings of tools that `npm test` runs in any case, and of what runs elsewhere. */
const FOR_TREE = /^(\.github|\.ci|\.changeset)\/|^\.\w+(\.json)?$|^LICENSE$|^test\/longSuites\.json$/;
const TEXT = /\.md$/;

/**
 * What is reached, and is neither imported nor named in the text of who reaches it: found by a name that is put together, started, or
 * read by a program. Files and projects (`packages/core`, `docs`).
 */
const UNSEEN = [
  [/^test\/families\/calls\.ts$/, /^test\/families\/.+\.calls\.ts$/],
  // They install what is published, and the pages show all guides.
  [/^test\/packages\//, /^(packages|examples)\/[\w-]+$/],
  [/^test\/(families\/web\/documents|browser\/publicPages\.e2e)\.test\.ts$/, /^docs$/],
  // Generated from the definitions of the API when it is tested.
  [/^packages\/sdk-python$/, /^packages\/api$/],
  [/^packages\/sdk-python-nemo$/, /^packages\/sdk-python$/],
];

/** A tree as it is searched: paths of its files, and what each of them reaches. */
export function treeOf(root) {
  const listed = git(root, 'ls-files', '--cached', '--others', '--exclude-standard');
  const paths = listed.filter((path) => existsSync(join(root, path)));
  return { paths, edges: edgesOf({ paths, read: (path) => readFileSync(join(root, path), 'utf8') }) };
}

/** Paths that differ from `base` in the work tree. */
export function changedSince(root, base) {
  return [
    ...git(root, 'diff', '--name-only', base),
    ...git(root, 'ls-files', '--others', '--exclude-standard'),
  ];
}

/**
 * The suites that these changes can reach, in source: those of the packages that changed and of whatever stands on them, and of `test`
 * those that import, name, start or read what has changed.
 * @returns {string[] | undefined} undefined: all
 */
export function suitesReachedBy(changed, tree) {
  const nodes = changed.map((path) => nodesOf(path, tree));
  if (nodes.includes('all')) return undefined;
  const reached = new Set(nodes.flat());
  const suites = tree.paths.filter((path) => /^(packages|examples|test)\/.+\.test\.tsx?$/.test(path));
  return suites.filter(
    (suite) => READ_ALL.test(suite) || reaches(projectOf(suite) ?? suite, reached, tree.edges),
  );
}

/** Where Jest finds a suite. */
export function compiled(suite) {
  return suite
    .replace(/^test\//, 'test/dist/')
    .replace('/src/', '/dist/')
    .replace(/\.tsx?$/, '.js');
}

/** What a changed file stands for: a file of `test`, a project, a text; of `test` all files beside one that nothing imports. */
function nodesOf(path, { paths }) {
  if (FOR_ALL.some((pattern) => pattern.test(path))) return 'all';
  if (FOR_TREE.test(path)) return [];
  if (path.startsWith('docs/')) return ['docs', path];
  if (TEXT.test(path)) return [path];
  const project = projectOf(path);
  if (project) return [project];
  const [, folder] = /^(test\/[^/]+\/)/.exec(path) ?? [];
  if (!folder) return 'all';
  if (/\.tsx?$/.test(path) && paths.includes(path)) return [path];
  return paths.filter((other) => other.startsWith(folder));
}

function projectOf(path) {
  return /^(packages|examples)\/[^/]+(?=\/|$)/.exec(path)?.[0];
}

function reaches(start, wanted, edges) {
  const seen = new Set([start]);
  for (const node of seen) {
    if (wanted.has(node)) return true;
    for (const next of edges(node)) seen.add(next);
  }
  return false;
}

/** What a node reaches in one step. */
function edgesOf(tree) {
  const projects = [...new Set(tree.paths.flatMap((path) => projectOf(path) ?? []))];
  const all = [
    ...projects,
    'docs',
    ...tree.paths.filter((path) => path.startsWith('test/') || TEXT.test(path)),
  ];
  const known = new Map();
  const found = (node) => {
    const unseen = UNSEEN.filter(([who]) => who.test(node)).flatMap(([, what]) =>
      all.filter((one) => what.test(one)),
    );
    if (projects.includes(node)) return [...unseen, ...dependenciesOf(node, projects, tree)];
    return /\.tsx?$/.test(node) ? [...unseen, ...namedIn(node, all, tree)] : unseen;
  };
  return (node) => {
    if (!known.has(node)) known.set(node, found(node));
    return known.get(node);
  };
}

/** Projects that another is compiled after, or starts: test/tidy keeps both in its manifest and its references. */
function dependenciesOf(project, projects, { paths, read }) {
  const parsed = (file) =>
    paths.includes(`${project}/${file}`) ? JSON.parse(read(`${project}/${file}`)) : {};
  const { dependencies, devDependencies } = parsed('package.json');
  const { references = [] } = parsed('tsconfig.json');
  const named = Object.keys({ ...dependencies, ...devDependencies })
    .filter((name) => name.startsWith('@agentpay/'))
    .map((name) => folderOf(name.slice('@agentpay/'.length)));
  return [...named, ...references.map(({ path }) => posix.join(project, path))].filter((one) =>
    projects.includes(one),
  );
}

/** What a file of `test` imports or names: files beside it, packages, folders of projects, texts. */
function namedIn(path, all, { read }) {
  const text = read(path).replaceAll(/\$\{[^}]*\}/g, '*');
  const matches = (pattern) => [...text.matchAll(pattern)].map(([, name]) => name);
  const beside = matches(/['"`](\.{0,2}\/?[\w./-]+)\.js['"`]/g);
  const packages = matches(/@agentpay\/([\w-]+)/g);
  const places = matches(/\b((?:packages|examples)(?:\/[\w.*-]+)*)\/?['"`]/g);
  const texts = matches(/([\w./*-]+\.md)['"`]/g);
  return [
    ...beside.map((name) => `${posix.join(posix.dirname(path), name)}.ts`),
    ...packages.map(folderOf),
    ...places.flatMap((place) => meantBy(place.split('/').slice(0, 2), all)),
    ...texts.flatMap((place) => meantBy(place.split('/'), all)),
  ].filter((one) => all.includes(one));
}

/** Where a package of the workspace lies, by its name without scope. */
function folderOf(name) {
  return name.startsWith('example-') ? `examples/${name.slice('example-'.length)}` : `packages/${name}`;
}

/** Projects and texts that a path means. A star is anything; a path that ends above the projects means all of them. */
function meantBy(parts, all) {
  const whole = parts.length === 1 && !TEXT.test(parts[0]) ? [...parts, '*'] : parts;
  const pattern = whole.map((part) => part.replaceAll('.', '\\.').replaceAll('*', '[^/]+')).join('/');
  const meant = new RegExp(`^${pattern}$`);
  return all.filter((one) => meant.test(one));
}

function git(root, ...args) {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean);
}
