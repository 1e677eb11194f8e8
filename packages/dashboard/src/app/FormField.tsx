import { useId, type ReactNode } from 'react';
import type { FieldErrors, UseFormRegister } from 'react-hook-form';

/** A field of a form. */
export interface Field {
  readonly name: string;
  readonly label: string;
  /** Of a `file` the form gives the content: text as it is, anything else in base64. */
  readonly type?:
    | 'text'
    | 'amount'
    | 'url'
    | 'time'
    | 'email'
    | 'number'
    | 'lines'
    | 'select'
    | 'password'
    | 'file';
  readonly optional?: boolean;
  readonly initial?: string;
  readonly placeholder?: string;
  /** Values of a select; the first is chosen. */
  readonly options?: readonly string[];
}

export type Given = Readonly<Record<string, string>>;

/** Most that a file may have: in base64 it is what the API takes as one text. */
const MOST_BYTES = 196_608;

export function FormField({
  field,
  register,
  errors,
}: {
  field: Field;
  register: UseFormRegister<Record<string, string>>;
  errors: FieldErrors<Record<string, string>>;
}): ReactNode {
  const { name, label, type = 'text', optional = false, placeholder, options } = field;
  const errorId = useId();
  const message = errors[name]?.message;
  const common = {
    ...register(name, optional ? {} : { required: `${label} is missing.` }),
    required: !optional,
    placeholder,
    'aria-invalid': message !== undefined,
    'aria-describedby': message === undefined ? undefined : errorId,
  };
  return (
    <label>
      {label}
      {type === 'lines' && <textarea rows={4} cols={44} {...common} />}
      {type === 'select' && (
        <select {...common}>
          {options?.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      )}
      {type !== 'lines' && type !== 'select' && (
        <input
          {...common}
          type={type === 'amount' ? 'text' : type}
          inputMode={type === 'amount' ? 'decimal' : undefined}
          autoComplete="off"
        />
      )}
      {message !== undefined && (
        <span id={errorId} className="fault">
          {message}
        </span>
      )}
    </label>
  );
}

/** What a form was given, with the content of its files; or the name of the field whose file is too large. */
export async function readFiles(
  fields: readonly Field[],
  raw: Readonly<Record<string, unknown>>,
): Promise<{ readonly given: Given; readonly tooLarge?: string }> {
  const given = { ...raw } as Record<string, string>;
  for (const { name } of fields.filter(({ type }) => type === 'file')) {
    const [file] = raw[name] instanceof FileList ? raw[name] : [];
    if (file && file.size > MOST_BYTES) return { given, tooLarge: name };
    given[name] = file ? await contentOf(file) : '';
  }
  return { given };
}

async function contentOf(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // No text: it goes as base64.
  }
  return btoa([...bytes].map((byte) => String.fromCharCode(byte)).join(''));
}
