// Gives what CHANGELOG.md has under "Unreleased" the version that the TypeScript packages have.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './install.mjs';

const sectionOf = (changelog, heading) =>
  changelog
    .split(/^(?=## )/m)
    .find((section) => section.split('\n', 1)[0] === `## ${heading}`)
    ?.slice(`## ${heading}`.length)
    .trim();

/** The changelog with a heading for the version. @throws Error when nothing was written down for it */
export function headed(changelog, version) {
  if (sectionOf(changelog, version)) return changelog;
  if (!sectionOf(changelog, 'Unreleased'))
    throw new Error(`CHANGELOG.md has nothing under "## Unreleased" that could become ${version}.`);
  return changelog.replace(/^## Unreleased$/m, `## ${version}`);
}

/** Why a changelog is not that of a version; empty if it is. */
export function changelogFaults(changelog, version) {
  return [
    ...(sectionOf(changelog, version) ? [] : [`CHANGELOG.md has nothing under "## ${version}"`]),
    ...(sectionOf(changelog, 'Unreleased') ? ['CHANGELOG.md has changes under "## Unreleased"'] : []),
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { version } = JSON.parse(readFileSync(join(root, 'packages/sdk/package.json'), 'utf8'));
  const file = join(root, 'CHANGELOG.md');
  writeFileSync(file, headed(readFileSync(file, 'utf8'), version));
  console.log(`CHANGELOG.md: ${version}`);
}
