import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnNode } from '@agentpay/testing';
import { root } from './published.js';

/** `npm run release`: what it refuses, and what it tells when nothing is in the way. `install` tests the tarballs themselves. */
interface Release {
  readonly manifests: readonly { readonly name: string; readonly version: string }[];
  readonly python: readonly { readonly path: string; readonly version: string }[];
  readonly changelog: string;
  readonly [other: string]: unknown;
}
interface Releasing {
  readRelease(): Release;
  releaseFaults(release: Release): readonly string[];
  verdict(folder: string, release: Release): { readonly ready: boolean; readonly text: string };
}
interface Changelog {
  headed(changelog: string, version: string): string;
  changelogFaults(changelog: string, version: string): readonly string[];
}

const { readRelease, releaseFaults, verdict } = (await import(root('packages/dev/release.mjs'))) as Releasing;
const { headed, changelogFaults } = (await import(root('packages/dev/changelog.mjs'))) as Changelog;
const version = readRelease().manifests[0]?.version ?? '';
/** The packages as they are, in a repository that is ready. */
const ready = (): Release => ({
  ...readRelease(),
  changelog: `# Changelog\n\n## ${version}\n\n- Everything.\n`,
  tags: [],
  changes: [],
  pending: [],
});

describe('a release', () => {
  it('has one version everywhere, the Python packages included, and needs nothing that is not published', () => {
    expect(releaseFaults(ready())).toEqual([]);
  });

  it('finds what users read of this version in CHANGELOG.md', () => {
    const { changelog } = readRelease();
    expect(changelogFaults(changelog, version)).not.toContain(
      `CHANGELOG.md has nothing under "## ${version}"`,
    );
    expect(changelog.split(`\n## ${version}\n`)).toHaveLength(2);
  });

  it.each<[string, (release: Release) => object, RegExp]>([
    [
      'a package of another version',
      ({ manifests: [one, ...others] }) => ({ manifests: [one, { ...others[0], version: '9.9.9' }] }),
      /has version 9\.9\.9/,
    ],
    [
      'a package that is needed and not published',
      ({ manifests }) => ({ manifests: manifests.slice(1) }),
      /needs @agentpay\/primitives/,
    ],
    [
      'Python left behind',
      ({ python }) => ({ python: [{ ...python[0], version: '0.0.1' }] }),
      /says 0\.0\.1/,
    ],
    [
      'nothing in the changelog',
      () => ({ changelog: `# Changelog\n\n## ${version}\n` }),
      /has nothing under/,
    ],
    [
      'changes that no version has',
      ({ changelog }) => ({ changelog: `## Unreleased\n\n- More.\n\n${changelog}` }),
      /changes under "## Unreleased"/,
    ],
    ['a tag that exists', () => ({ tags: [`v${version}`] }), /the tag v/],
    ['files that are not committed', () => ({ changes: [' M README.md'] }), /not committed/],
    ['changesets that wait', () => ({ pending: ['brave-dogs.md'] }), /brave-dogs/],
  ])('is refused with %s', (_, change, fault) => {
    const release = ready();
    expect(releaseFaults({ ...release, ...change(release) }).join('\n')).toMatch(fault);
  });

  it('tells the commands that publish it, or what is in the way and no command', () => {
    const folder = mkdtempSync(join(tmpdir(), 'agentpay-release-'));
    try {
      writeFileSync(join(folder, 'agentpay-9.whl'), 'wheel');
      const told = verdict(folder, ready());
      expect(told.ready).toBe(true);
      const names = [...told.text.matchAll(/npm publish \S+\/agentpay-(\S+)-\d\S+\.tgz --access public$/gm)];
      // Those first that others need.
      expect(names.map(([, name]) => `@agentpay/${name}`)).toEqual(
        readRelease().manifests.map(({ name }) => name),
      );
      expect(told.text).toMatch(/^ {2}twine upload \S+\/agentpay-9\.whl$/m);
      expect(told.text).toContain(`git tag v${version} && git push origin v${version}`);
      const refused = verdict(folder, { ...ready(), changes: [' M README.md'] });
      expect(refused.ready).toBe(false);
      expect(refused.text).toContain(
        `Not ready to be released as ${version}:\n\n  1 files are not committed`,
      );
      expect(refused.text).not.toMatch(/npm publish|git tag/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('packs nothing when it is called with a flag that it does not know', async () => {
    const called = spawnNode(root('packages/dev/release.mjs'), { args: ['--publish'] });
    expect([(await called.ended).code, called.output()]).toEqual([
      2,
      expect.stringMatching(/^--publish is not known\. [^\n]+\n$/),
    ]);
  });
});

describe('the changelog', () => {
  const before = '# Changelog\n\n## Unreleased\n\n### Added\n\n- This.\n\n## 0.1.0\n\n- That.\n';

  it('gives what is unreleased the version that comes, and leaves what has it as it is', () => {
    const after = headed(before, '0.2.0');
    expect(after).toBe(before.replace('Unreleased', '0.2.0'));
    expect(headed(after, '0.2.0')).toBe(after);
    expect([changelogFaults(before, '0.2.0').length, changelogFaults(after, '0.2.0')]).toEqual([2, []]);
  });

  it('is no version without a line about it', () => {
    expect(() => headed(before.replace('- This.', '').replace('### Added', ''), '0.2.0')).toThrow(
      /has nothing under "## Unreleased"/,
    );
  });

  it('has the newest version on top', () => {
    const versions = readFileSync(root('CHANGELOG.md'), 'utf8').match(/^## .+$/gm) ?? [];
    expect([`## ${version}`, '## Unreleased']).toContain(versions[0]);
  });
});
