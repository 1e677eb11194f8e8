import { pascal, quote, snake } from './names.mjs';

/** Whether the wire form is money in currency units: a number or decimal text. */
const isMoney = ({ description = '', type }) =>
  (type === 'number' || type === 'string') && /currency units/i.test(description);
const isUnits = ({ description = '' }) => description.startsWith('Base units');

/** A schema and whether null may stand in its place. */
function withoutNull(schema) {
  if (Array.isArray(schema.type)) {
    const types = schema.type.filter((type) => type !== 'null');
    return {
      inner: { ...schema, type: types.length === 1 ? types[0] : types },
      nullable: types.length < schema.type.length,
    };
  }
  const options = schema.anyOf ?? schema.oneOf;
  if (!options) return { inner: schema, nullable: false };
  const rest = options.filter(({ type }) => type !== 'null');
  const inner = rest.length === 1 ? { ...rest[0] } : { anyOf: rest };
  return { inner, nullable: rest.length < options.length };
}

const literal = (values) => `Literal[${values.map(python).join(', ')}]`;
const python = (value) => (typeof value === 'boolean' ? (value ? 'True' : 'False') : JSON.stringify(value));
const orNone = (type, nullable) => (nullable && type !== 'Any' ? `${type} | None` : type);

/** The type of what a caller gives. */
export function inputType(schema) {
  const { inner, nullable } = withoutNull(schema);
  return orNone(plainInput(inner), nullable);
}

function plainInput(schema) {
  if (isMoney(schema)) return 'Money';
  if (schema.const !== undefined) return literal([schema.const]);
  if (schema.enum) return literal(schema.enum);
  if (schema.anyOf) return [...new Set(schema.anyOf.map(plainInput))].join(' | ');
  if (schema.format === 'date-time') return 'datetime | str';
  switch (schema.type) {
    case 'string':
      return 'str';
    case 'integer':
      return 'int';
    case 'number':
      return 'float';
    case 'boolean':
      return 'bool';
    case 'array':
      return `Sequence[${inputType(schema.items ?? {})}]`;
    case 'object':
      return 'Mapping[str, Any]';
    default:
      return 'Any';
  }
}

/** Makes dataclasses of schemas; equal schemas get one class, named where it was first met. */
export function classMaker() {
  const known = new Map();
  const written = [];
  const names = new Set();
  /** Types of fields, by class and wire name. */
  const types = new Map();

  function typeOf(schema, name) {
    const { inner, nullable } = withoutNull(schema);
    return orNone(plainOutput(inner, name), nullable);
  }
  function plainOutput(schema, name) {
    if (isMoney(schema)) return 'Decimal';
    if (isUnits(schema)) return 'int';
    if (schema.const !== undefined) return literal([schema.const]);
    if (schema.enum) return literal(schema.enum);
    if (schema.format === 'date-time') return 'datetime';
    if (schema.anyOf) return 'Any';
    if (schema.type === 'object' && Object.keys(schema.properties ?? {}).length > 0)
      return dataclass(schema, name);
    if (schema.type === 'object') return 'dict[str, Any]';
    if (schema.type === 'array') return `list[${typeOf(schema.items ?? {}, `${name}Item`)}]`;
    return { string: 'str', integer: 'int', number: 'float', boolean: 'bool' }[schema.type] ?? 'Any';
  }
  function dataclass(schema, wanted) {
    const key = JSON.stringify(schema);
    if (known.has(key)) return known.get(key);
    let name = wanted;
    for (let n = 2; names.has(name); n++) name = `${wanted}${n}`;
    names.add(name);
    known.set(key, name);
    const required = new Set(schema.required ?? []);
    const fields = Object.entries(schema.properties).map(([wire, one]) => fieldOf(wire, one, required, name));
    written.push(['@dataclass(frozen=True, kw_only=True)', `class ${name}:`, ...fields].join('\n'));
    return name;
  }
  function fieldOf(wire, schema, required, owner) {
    const name = snake(wire);
    const type = typeOf(schema, owner + pascal(wire));
    types.set(`${owner}.${wire}`, type);
    const optional = !required.has(wire);
    const shown = optional && type !== 'Any' && !type.endsWith('| None') ? `${type} | None` : type;
    const settings = [
      ...(optional ? ['default=None'] : []),
      // Printing a response shows no key.
      ...(/(^|_)(key|secret|token)$/.test(name) ? ['repr=False'] : []),
      ...(name === wire ? [] : [`metadata={"wire": ${quote(wire)}}`]),
    ];
    return `    ${name}: ${shown}${settings.length > 0 ? ` = field(${settings.join(', ')})` : ''}`;
  }
  const itemType = (owner, wire) => /^list\[(.+)\]$/.exec(types.get(`${owner}.${wire}`))?.[1] ?? 'Any';
  return { dataclass, itemType, written: () => written };
}

/** Whether money in currency units stands directly in this field. */
export const holdsMoney = (schema) => isMoney(withoutNull(schema).inner);
