// `npm run release -- --dry-run`: installs, builds and packs everything that is published, checks it, and prints the commands that
// publish it. With or without the flag it publishes nothing itself.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { changelogFaults } from './changelog.mjs';
import { installAndBuild } from './build.mjs';
import { root } from './install.mjs';
import { folderOf, pack, published } from './pack.mjs';
import { packPython } from './packPython.mjs';
import { pythonVersions } from './pythonVersions.mjs';

const read = (path) => readFileSync(join(root, path), 'utf8');
const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

/** What a release is made of, as the files and git have it. */
export function readRelease() {
  const manifests = published.map((name) => JSON.parse(read(`${folderOf(name)}/package.json`)));
  return {
    manifests,
    python: pythonVersions(),
    changelog: read('CHANGELOG.md'),
    tags: git('tag', '--list', 'v*').split('\n'),
    changes: git('status', '--porcelain').split('\n').filter(Boolean),
    pending: readdirSync(join(root, '.changeset')).filter(
      (name) => name.endsWith('.md') && name !== 'README.md',
    ),
  };
}

/** Why this must not be released; empty if it may. */
export function releaseFaults({ manifests, python, changelog, tags, changes, pending }) {
  const [{ version }] = manifests;
  const others = manifests.filter((one) => one.version !== version);
  const missing = manifests.flatMap(({ name, dependencies = {} }) =>
    Object.keys(dependencies)
      .filter((one) => one.startsWith('@agentpay/') && !manifests.some((own) => own.name === one))
      .map((one) => `${name} needs ${one}, which is not published`),
  );
  return [
    ...others.map((one) => `${one.name} has version ${one.version} instead of ${version}`),
    ...manifests.filter((one) => one.private).map((one) => `${one.name} is private`),
    ...missing,
    ...python
      .filter((one) => one.version !== version)
      .map(({ path, version: said }) => `${path} says ${said} instead of ${version}: npm run bump`),
    ...changelogFaults(changelog, version),
    ...(tags.includes(`v${version}`) ? [`the tag v${version} exists`] : []),
    ...(changes.length > 0 ? [`${changes.length} files are not committed`] : []),
    ...(pending.length > 0 ? [`changesets wait: npm run bump (${pending.join(', ')})`] : []),
  ];
}

/** What is wrong with the tarballs of a folder: ranges that only the workspace understands, and other versions than the release's. */
export function tarballFaults(folder, version) {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.tgz'))
    .flatMap((file) => {
      const text = execFileSync('tar', ['-xzOf', join(folder, file), 'package/package.json'], {
        encoding: 'utf8',
      });
      const own = JSON.parse(text);
      const ranges = Object.entries({
        ...own.dependencies,
        ...own.peerDependencies,
        ...own.optionalDependencies,
      });
      return [
        ...ranges
          .filter(([, range]) => /^(workspace|catalog|file|link):/.test(range))
          .map(([name, range]) => `${file}: ${name} is ${range}`),
        ...ranges
          .filter(([name, range]) => name.startsWith('@agentpay/') && range !== version)
          .map(([name, range]) => `${file}: ${name} is ${range}`),
        ...(own.version === version ? [] : [`${file}: version ${own.version}`]),
      ];
    });
}

/** The commands that publish what is in a folder, those first that others need. */
function commands(folder, version) {
  const at = (file) => relative(root, join(folder, file));
  const tarballs = published.map(
    (name) => `npm publish ${at(`agentpay-${name}-${version}.tgz`)} --access public`,
  );
  const python = readdirSync(folder).filter((file) => /\.(whl|tar\.gz)$/.test(file));
  return [
    ...tarballs,
    ...(python.length > 0 ? [`twine upload ${python.map(at).join(' ')}`] : []),
    `git tag v${version} && git push origin v${version}`,
  ];
}

/** What is said of packages that lie in a folder: how large they are, and either what is wrong or how they are published. */
export function verdict(folder, release) {
  const [{ version }] = release.manifests;
  const sizes = readdirSync(folder).map((file) => {
    const { size } = statSync(join(folder, file));
    return `${String(Math.ceil(size / 1024)).padStart(5)} kB  ${file}`;
  });
  const faults = [...releaseFaults(release), ...tarballFaults(folder, version)];
  const said =
    faults.length > 0
      ? ['', `Not ready to be released as ${version}:`, '', ...faults.map((fault) => `  ${fault}`)]
      : [
          '',
          'Ready. Nothing was published; these commands do it:',
          '',
          ...commands(folder, version).map((one) => `  ${one}`),
        ];
  return { ready: faults.length === 0, text: [...sizes, ...said].join('\n') };
}

async function main(words) {
  const [unknown] = words.filter((word) => word !== '--dry-run');
  if (unknown !== undefined) {
    console.error(`${unknown} is not known. npm run release -- --dry-run: nothing is ever published by it.`);
    return 2;
  }
  const folder = join(root, 'tarballs');
  await installAndBuild();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  await pack(folder);
  await packPython(folder);
  const { ready, text } = verdict(folder, readRelease());
  console.log(text);
  return ready ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
