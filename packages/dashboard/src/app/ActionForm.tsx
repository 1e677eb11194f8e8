import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ApiError } from '@agentpay/sdk';
import { useEffect, useId, useRef, type ReactNode } from 'react';
import { useForm, type FieldErrors, type UseFormRegister } from 'react-hook-form';
import { Refusal } from './Loaded.js';

/** A field of a form. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type?: 'text' | 'amount' | 'url' | 'time' | 'email' | 'number' | 'lines' | 'select' | 'password';
  readonly optional?: boolean;
  readonly initial?: string;
  readonly placeholder?: string;
  /** Values of a select; the first is chosen. */
  readonly options?: readonly string[];
}

export type Given = Readonly<Record<string, string>>;

interface FormOptions<Result> {
  readonly fields?: readonly Field[];
  readonly submit: string;
  readonly danger?: boolean;
  /** `key` stays the same until what was asked for has succeeded or something else is asked for. */
  readonly run: (given: Given, key: string) => Promise<Result>;
  /** What the success shows; else it says that it is done. */
  readonly children?: (result: Result) => ReactNode;
}

/** A form that does one thing, and what became of it. Everything on the page is read again afterwards. */
export function ActionForm<Result>(options: FormOptions<Result>): ReactNode {
  const { fields = [], submit, danger = false, run, children } = options;
  const initial = Object.fromEntries(
    fields.map((field) => [field.name, field.initial ?? field.options?.[0] ?? '']),
  );
  const { register, handleSubmit, setError, reset, formState } = useForm<Record<string, string>>({
    defaultValues: initial,
  });
  const before = JSON.stringify(initial);
  useEffect(() => reset(JSON.parse(before) as Record<string, string>), [before, reset]);
  const queries = useQueryClient();
  const asked = useRef<{ what: string; key: string }>(undefined);
  const keyFor = (given: Given): string => {
    const what = JSON.stringify(given);
    if (asked.current?.what !== what) asked.current = { what, key: randomKey() };
    return asked.current.key;
  };
  const action = useMutation({
    mutationFn: (given: Given) => run(given, keyFor(given)),
    onSuccess: () => {
      asked.current = undefined;
      return queries.invalidateQueries();
    },
    onError: (error) => {
      const param = error instanceof ApiError ? error.param : undefined;
      const field = fields.find(({ name }) => name === param || param?.endsWith(`.${name}`));
      if (field) setError(field.name, { message: error.message });
    },
  });
  const onSubmit = handleSubmit((given) => action.mutateAsync(given).then(undefined, () => undefined));
  return (
    <form className="row" onSubmit={(event) => void onSubmit(event)} noValidate>
      {fields.map((field) => (
        <FormField key={field.name} field={field} register={register} errors={formState.errors} />
      ))}
      <button type="submit" className={danger ? 'danger' : ''} disabled={action.isPending}>
        {submit}
      </button>
      <div className="outcome" aria-live="polite">
        {action.isPending && <span role="status">Working…</span>}
        {action.error && <Refusal error={action.error} />}
        {action.isSuccess && (children ? children(action.data) : <span role="status">Done.</span>)}
      </div>
    </form>
  );
}

function FormField({
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

function randomKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16)).join('-');
}

/** The fields that were filled in. */
export function filled(given: Given): Record<string, string> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
}

/** A secret that is shown this once. */
export function Secret({ name, value }: { name: string; value: string }): ReactNode {
  return (
    <div className="notice">
      <p>
        <strong>{name}</strong>, shown this once: keep it where only your program reads it.
      </p>
      <p>
        <output>{value}</output>
      </p>
      <button className="plain" type="button" onClick={() => void navigator.clipboard.writeText(value)}>
        Copy
      </button>
    </div>
  );
}
