import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '@agentpay/primitives';
import { loadSignerKeys, openKeystore, sealKeystore } from './Keystore.js';

/** At the cost that geth uses; made with another implementation of scrypt, AES and JSON. */
const foreign = JSON.stringify({
  crypto: {
    cipher: 'aes-128-ctr',
    cipherparams: { iv: '101112131415161718191a1b1c1d1e1f' },
    ciphertext: '24e0e7ada09e5870b11f358492c0672b7ea9dade4a023b36e63a08fb4f59bbf8',
    kdf: 'scrypt',
    kdfparams: {
      dklen: 32,
      n: 262144,
      r: 8,
      p: 1,
      salt: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    },
    mac: 'a4ca910eb3894cdfbe88e04e6c291fd7072f6166643bf2df1b01ac6166208e96',
  },
  id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
  version: 3,
});
const key = `0x${'51'.repeat(32)}` as const;
const quick = { n: 1024, r: 8, p: 1 };

describe('a keystore', () => {
  it('of another program opens with its password', async () => {
    const opened = await openKeystore(foreign, 'testpassword');
    expect(opened).toBe('0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d');
  });

  it('gives back the key that was sealed, and holds neither key nor password', async () => {
    const text = await sealKeystore(key, 'pässwörd', systemRandom, quick);
    expect(await openKeystore(text, 'pässwörd')).toBe(key);
    expect(text).not.toContain(key.slice(2));
    expect(text).not.toContain('pässwörd');
    expect(JSON.parse(text)).toMatchObject({
      version: 3,
      id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
    });
  });

  it('does not open with another password, nor when a bit was changed', async () => {
    const text = await sealKeystore(key, 'right', systemRandom, quick);
    await expect(openKeystore(text, 'wrong')).rejects.toThrow('The password of the keystore is wrong.');
    const { crypto, ...rest } = JSON.parse(text) as { crypto: { ciphertext: string } };
    const ciphertext = (crypto.ciphertext.startsWith('0') ? '1' : '0') + crypto.ciphertext.slice(1);
    const changed = JSON.stringify({ ...rest, crypto: { ...crypto, ciphertext } });
    await expect(openKeystore(changed, 'right')).rejects.toThrow('The password of the keystore is wrong.');
  });

  const changes = [
    ['"version":3', '"version":1'],
    ['262144', '1073741824'],
    ['262144', '3'],
    ['"r":8', '"r":1'],
  ] as const;
  it.each(['', '{}', 'null', ...changes.map(([from, to]) => foreign.replace(from, to))])(
    'is refused when it is not one, or would take too much memory (%#)',
    async (text) => {
      await expect(openKeystore(text, 'testpassword')).rejects.toThrow(/^This is not a keystore/);
    },
  );
});

describe('signer keys', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'keystore-'))));
  afterAll(() => rm(folder, { recursive: true }));

  it('come by value and from keystores, with the password in a file', async () => {
    const [file, passwordFile] = [join(folder, 'a.json'), join(folder, 'password')];
    await writeFile(file, await sealKeystore(key, 'secret words', systemRandom, quick));
    await writeFile(passwordFile, 'secret words\n');
    const other = `0x${'52'.repeat(32)}` as const;
    const keystore = { files: [file], password: undefined, passwordFile };
    expect(await loadSignerKeys({ signerKeys: [other], keystore })).toEqual([other, key]);
    expect(await loadSignerKeys({ signerKeys: [other], keystore: undefined })).toEqual([other]);
  });

  it('name the file at fault, and nothing secret', async () => {
    const file = join(folder, 'b.json');
    const keystore = { files: [file], password: 'hush hush', passwordFile: undefined };
    await expect(loadSignerKeys({ signerKeys: [], keystore })).rejects.toThrow(
      `KEYSTORE_FILE ${file} cannot be read: ENOENT.`,
    );
    await writeFile(file, '{"crypto":"hush"}');
    await chmod(file, 0o600);
    const refused = loadSignerKeys({ signerKeys: [], keystore }).catch((error: Error) => error.message);
    expect(await refused).toMatch(/b\.json: This is not a keystore/);
    expect(await refused).not.toContain('hush');
  });
});
