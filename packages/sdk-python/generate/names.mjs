const RESERVED = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global if import in is ' +
    'lambda nonlocal not or pass raise return try while with yield'
  ).split(' '),
);

/** `maxAmount` as `max_amount`, `x-request-id` as `x_request_id`; reserved words get an underscore behind them. */
export function snake(name) {
  const text = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9_]/g, '_')
    .toLowerCase();
  return RESERVED.has(text) ? `${text}_` : /^\d/.test(text) ? `_${text}` : text;
}

/** `call_started` and `callStarted` as `CallStarted`. */
export function pascal(name) {
  return snake(name)
    .split('_')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
}

/** A text as a Python literal. */
export const quote = (text) => JSON.stringify(text);

/** A docstring; `indent` stands before each of its lines. */
export function docstring(text, indent) {
  return `${indent}"""${text.replaceAll('\\', '\\\\').replaceAll('"""', '"')}"""`;
}
