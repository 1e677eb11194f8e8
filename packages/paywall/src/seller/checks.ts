import { z } from 'zod';

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

export const httpUrl = z.string().refine(isHttpUrl, 'must be an http or https URL');

export function functionOf<T extends (...args: never[]) => unknown>() {
  return z.custom<T>((value) => typeof value === 'function', 'must be a function');
}

export function objectWith<T>(...methods: (keyof T & string)[]) {
  const hasAll = (value: T) => methods.every((name) => typeof value?.[name] === 'function');
  return z.custom<T>((value) => hasAll(value as T), `must have the methods ${methods.join(', ')}`);
}
