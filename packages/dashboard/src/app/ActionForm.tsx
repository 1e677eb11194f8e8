import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ApiError } from '@agentpay/sdk';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useForm } from 'react-hook-form';
import { Confirmation } from './Confirmation.js';
import { FormField, readFiles, type Field, type Given } from './FormField.js';
import { Refusal } from './Loaded.js';

export type { Field, Given } from './FormField.js';

interface FormOptions<Result> {
  readonly fields?: readonly Field[];
  readonly submit: string;
  /** What the user is asked before something is done that takes something away or cannot be taken back. */
  readonly ask?: ((given: Given) => string) | undefined;
  /** `key` stays the same until what was asked for has succeeded or something else is asked for. */
  readonly run: (given: Given, key: string) => Promise<Result>;
  /** What the success shows; else it says that it is done. */
  readonly children?: (result: Result) => ReactNode;
}

/** A form that does one thing, and what became of it. Everything on the page is read again afterwards, but for queries that say `once`. */
export function ActionForm<Result>(options: FormOptions<Result>): ReactNode {
  const { fields = [], submit, ask, run, children } = options;
  const initial = Object.fromEntries(
    fields.map((field) => [field.name, field.initial ?? field.options?.[0] ?? '']),
  );
  const { register, handleSubmit, setError, reset, formState } = useForm<Record<string, string>>({
    defaultValues: initial,
  });
  const before = JSON.stringify(initial);
  useEffect(() => reset(JSON.parse(before) as Record<string, string>), [before, reset]);
  const action = useAction(run, (error) => {
    const param = error instanceof ApiError ? error.param : undefined;
    const field = fields.find(({ name }) => name === param || param?.endsWith(`.${name}`));
    if (field) setError(field.name, { message: error.message });
  });
  const [asking, setAsking] = useState<Given>();
  const act = (given: Given) => action.mutateAsync(given).then(undefined, () => undefined);
  const onSubmit = handleSubmit(async (raw) => {
    if (action.isPending) return undefined;
    const { given, tooLarge } = await readFiles(fields, raw);
    if (tooLarge !== undefined) return setError(tooLarge, { message: 'The file is larger than 192 kB.' });
    return ask ? setAsking(given) : act(given);
  });
  return (
    <form className="row" onSubmit={(event) => void onSubmit(event)} noValidate>
      {fields.map((field) => (
        <FormField key={field.name} field={field} register={register} errors={formState.errors} />
      ))}
      {/* Not disabled, or the focus would be lost. */}
      <button type="submit" className={ask ? 'danger' : ''} aria-disabled={action.isPending}>
        {submit}
      </button>
      {asking && (
        <Confirmation
          question={ask?.(asking) ?? ''}
          yes={submit}
          onEnd={(agreed) => {
            setAsking(undefined);
            if (agreed) void act(asking);
          }}
        />
      )}
      <div className="outcome" aria-live="polite">
        {action.isPending && <span role="status">Working…</span>}
        {action.error && <Refusal error={action.error} />}
        {action.isSuccess && (children ? children(action.data) : <span role="status">Done.</span>)}
      </div>
    </form>
  );
}

/** Does what a form asks for, under a key that stays the same until it has succeeded or something else is asked for. */
function useAction<Result>(run: FormOptions<Result>['run'], onError: (error: Error) => void) {
  const queries = useQueryClient();
  const asked = useRef<{ what: string; key: string }>(undefined);
  const keyFor = (given: Given): string => {
    const what = JSON.stringify(given);
    if (asked.current?.what !== what) asked.current = { what, key: randomKey() };
    return asked.current.key;
  };
  return useMutation({
    mutationFn: (given: Given) => run(given, keyFor(given)),
    onSuccess: () => {
      asked.current = undefined;
      return queries.invalidateQueries({ predicate: ({ meta }) => meta?.['once'] !== true });
    },
    onError,
  });
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
