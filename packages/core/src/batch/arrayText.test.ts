import { arrayText } from './arrayText.js';

describe('an array as PostgreSQL reads it', () => {
  it('quotes texts and escapes what would end them', () => {
    expect(arrayText(['a', 'NULL', '', null, '{x,y}'])).toBe('{"a","NULL","",null,"{x,y}"}');
    expect(arrayText(['say "hi"', 'C:\\dir', '\\n'])).toBe('{"say \\"hi\\"","C:\\\\dir","\\\\n"}');
  });

  it('leaves characters as they are that JSON would escape', () => {
    expect(arrayText(['two\nlines', 'tab\t', '\u0001', 'é😀'])).toBe('{"two\nlines","tab\t","\u0001","é😀"}');
  });

  it('writes numbers, times and bytes', () => {
    expect(arrayText([1n, null, -5n])).toBe('{1,NULL,-5}');
    expect(arrayText([true, 7])).toBe('{true,7}');
    expect(arrayText([new Date(0), null])).toBe('{"1970-01-01T00:00:00.000Z",NULL}');
    expect(arrayText([new Uint8Array([1, 255])])).toBe('{"\\\\x01ff"}');
    expect(arrayText([])).toBe('{}');
  });

  it('refuses an array within another', () => {
    expect(() => arrayText([['a']] as never)).toThrow(TypeError);
  });
});
