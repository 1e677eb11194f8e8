import { relative } from 'node:path';

/** The source of a compiled suite, from the root of the repository. */
export const sourceOf = (root, compiled) =>
  relative(root, compiled)
    .replace(/^test\/dist\//, 'test/')
    .replace(/\/dist\//, '/src/')
    .replace(/\.js$/, '.ts');
