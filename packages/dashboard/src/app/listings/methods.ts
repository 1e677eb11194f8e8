/** A method of a listing and what a call of it costs. */
export interface PricedMethod {
  readonly name: string;
  readonly price_usdc: string;
  readonly description?: string | null;
}

/** Methods as people write them, one a line: name | price | description. */
export function methodLines(methods: readonly PricedMethod[]): string {
  return methods
    .map(({ name, price_usdc: price, description }) => [name, price, description].filter(Boolean).join(' | '))
    .join('\n');
}

/** What {@link methodLines} wrote. The price is the first part that is a number; without one the API says what is missing. */
export function methodsIn(lines: string): { name: string; price_usdc: string; description?: string }[] {
  return lines
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => {
      const [, name = line, price = '', description = ''] = LINE.exec(line) ?? [];
      return { name, price_usdc: price, ...(description && { description }) };
    });
}

const LINE = /^(.+?)\s*\|\s*(\d+(?:\.\d+)?)\s*(?:\|\s*(.+))?$/;
