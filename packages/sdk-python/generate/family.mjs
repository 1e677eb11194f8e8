import { docstring, pascal, quote, snake } from './names.mjs';
import { classMaker, holdsMoney, inputType } from './annotations.mjs';

const HEADER = `# Written by generate.mjs from the endpoint definitions; do not edit.
from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from .._operation import AsyncCaller, Caller, Money, Operation
`;

/** The module of a family: dataclasses, operations, and a class for each noun, twice: sync and async. */
export function familyModule(api, family) {
  const classes = classMaker();
  const nouns = Object.entries(family.nouns).map(([noun, verbs]) => ({
    noun,
    calls: Object.entries(verbs).map(([verb, endpoint]) => callOf(api, { noun, verb, endpoint }, classes)),
  }));
  return [
    HEADER,
    ...classes.written().map((text) => `\n\n${text}\n`),
    '\n\nOPERATIONS: dict[str, Operation] = {\n',
    ...nouns.flatMap(({ calls }) => calls.map(({ operation }) => `    ${operation},\n`)),
    '}\n',
    ...nouns.flatMap(({ noun, calls }) => [nounClass(noun, calls, false), nounClass(noun, calls, true)]),
    familyClass(family, nouns, false),
    familyClass(family, nouns, true),
  ].join('');
}

function callOf(api, { noun, verb, endpoint }, classes) {
  const parts = ['params', 'query', 'body'].map((part) => api.jsonSchema(endpoint[part]));
  const required = new Set(parts.flatMap((part) => part.required ?? []));
  const [params, query, body] = parts.map((part) => Object.keys(part.properties ?? {}));
  const fields = Object.entries(Object.assign({}, ...parts.map((part) => part.properties ?? {})))
    .filter(([wire]) => wire !== 'idempotency_key')
    .map(([wire, schema]) => ({
      wire,
      name: snake(wire),
      type: inputType(schema),
      required: required.has(wire),
      schema,
    }))
    .sort((a, b) => Number(b.required) - Number(a.required));
  const result = classes.dataclass(
    api.jsonSchema(endpoint.response),
    `${pascal(noun)}${pascal(verb)}Response`,
  );
  const operation = operationOf(api, endpoint, { params, query, body, fields });
  const field = api.itemsField(endpoint);
  return {
    verb,
    endpoint,
    fields,
    result,
    operation,
    pages: field && { field, type: classes.itemType(result, field) },
  };
}

const tuple = (names) => `(${names.map((name) => `${quote(name)},`).join(' ')})`;

function operationOf(api, endpoint, { params, query, body, fields }) {
  const idempotent = endpoint.idempotent !== false;
  const money = fields.filter(({ schema }) => holdsMoney(schema)).map(({ wire }) => wire);
  const values = [
    `id=${quote(endpoint.id)}`,
    `method=${quote(endpoint.method)}`,
    `path=${quote(endpoint.path)}`,
    `kind=${quote(endpoint.kind)}`,
    `auth=${tuple([...endpoint.auth, ...endpoint.optionalAuth])}`,
    `params=${tuple(params)}`,
    `query=${tuple(query)}`,
    `has_body=${body.length > 0 ? 'True' : 'False'}`,
    `money=${tuple(money)}`,
    `idempotent=${idempotent ? 'True' : 'False'}`,
    `repeatable=${api.isRepeatable(endpoint) ? 'True' : 'False'}`,
  ];
  return `${quote(endpoint.id)}: Operation(${values.join(', ')})`;
}

function nounClass(noun, calls, isAsync) {
  const caller = isAsync ? 'AsyncCaller' : 'Caller';
  return [
    `\n\nclass ${isAsync ? 'Async' : ''}${pascal(noun)}:\n`,
    `    def __init__(self, caller: ${caller}) -> None:\n        self._caller = caller\n`,
    ...calls.flatMap((call) => [methodOf(call, isAsync), ...(call.pages ? [iterateOf(call, isAsync)] : [])]),
  ].join('');
}

function methodOf({ verb, endpoint, fields, result }, isAsync) {
  const shown = fields.map(({ name, type, required }) =>
    required ? `${name}: ${type}` : `${name}: ${optional(type)} = None`,
  );
  const key = endpoint.idempotent !== false ? ['idempotency_key: str | None = None'] : [];
  const parameters = ['self', '*', ...shown, ...key, 'timeout: float | None = None'];
  const given = `{${fields.map(({ wire, name }) => `${quote(wire)}: ${name}`).join(', ')}}`;
  const last = key.length > 0 ? ', idempotency_key=idempotency_key' : '';
  return [
    `\n    ${isAsync ? 'async ' : ''}def ${snake(verb)}(${parameters.join(', ')}) -> ${result}:\n`,
    `${docstring(endpoint.summary, '        ')}\n`,
    `        return ${isAsync ? 'await ' : ''}self._caller.call(OPERATIONS[${quote(endpoint.id)}], ${result}, ${given}`,
    `, timeout=timeout${last})\n`,
  ].join('');
}

function iterateOf({ verb, endpoint, fields, result, pages }, isAsync) {
  const filters = fields.filter(({ wire }) => !['limit', 'offset', 'cursor'].includes(wire));
  const shown = filters.map(({ name, type, required }) =>
    required ? `${name}: ${type}` : `${name}: ${optional(type)} = None`,
  );
  const parameters = ['self', '*', ...shown, 'limit: int = 100', 'timeout: float | None = None'];
  const name = verb === 'list' ? 'iterate' : `iterate_${snake(verb)}`;
  const sent = [...filters, { wire: 'limit', name: 'limit' }];
  const given = `{${sent.map(({ wire, name }) => `${quote(wire)}: ${name}`).join(', ')}}`;
  return [
    `\n    def ${name}(${parameters.join(', ')}) -> ${isAsync ? 'AsyncIterator' : 'Iterator'}[${pages.type}]:\n`,
    `${docstring(`${endpoint.summary} Turns the pages, of \`limit\` each, as it is read.`, '        ')}\n`,
    `        return self._caller.pages(OPERATIONS[${quote(endpoint.id)}], ${result}, ${given}, `,
    `items=${quote(snake(pages.field))}, timeout=timeout)\n`,
  ].join('');
}

const optional = (type) => (type === 'Any' || type.endsWith('| None') ? type : `${type} | None`);

function familyClass({ id }, nouns, isAsync) {
  const prefix = isAsync ? 'Async' : '';
  const caller = isAsync ? 'AsyncCaller' : 'Caller';
  const made = nouns.map(({ noun }) => `        self.${snake(noun)} = ${prefix}${pascal(noun)}(caller)\n`);
  return `\n\nclass ${prefix}${pascal(id)}Family:\n    def __init__(self, caller: ${caller}) -> None:\n${made.join('')}`;
}
