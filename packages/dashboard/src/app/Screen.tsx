import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { ApiClient } from '@agentpay/sdk';
import { ActionForm, type Field, type Given } from './ActionForm.js';
import type { Area } from './api.js';
import { apiOf } from './apiOf.js';
import { DataTable, type Column, type Row } from './DataTable.js';
import type { Kind } from './format.js';
import { KeyGate } from './KeyGate.js';
import { Loaded } from './Loaded.js';
import { Title } from './Title.js';
import { Trace } from './Trace.js';
import { Facts } from './Value.js';

export type Params = Readonly<Record<string, string | undefined>>;

/** Something that can be done on a screen. */
export interface Action {
  readonly title: string;
  readonly submit: string;
  readonly fields?: readonly Field[];
  /** What the user is asked before something is done that takes something away or cannot be taken back. */
  readonly ask?: (given: Given, params: Params) => string;
  /** Where what was made is seen. */
  readonly links?: (result: never) => readonly (readonly [string, string])[];
  /** `key` is the same as long as the same is asked for, so that nothing happens twice after a lost response. */
  readonly run: (api: ApiClient, given: Given, params: Params, key: string) => Promise<unknown>;
}

/** A screen: where it is, what it reads, what can be done on it. */
export interface Screen {
  readonly path: string;
  readonly title: string;
  readonly area: Area;
  readonly intro?: string;
  /** Of the page of one object: the parameter of the path that is its id. What is behind it is shown below. */
  readonly object?: string;
  readonly actions?: readonly Action[];
  readonly table?: {
    readonly columns: readonly Column[];
    readonly empty: string;
    readonly load: (api: ApiClient, params: Params) => Promise<{ rows: readonly Row[]; total?: number }>;
  };
  readonly facts?: {
    readonly load: (api: ApiClient, params: Params) => Promise<object>;
    readonly kinds?: Readonly<Record<string, Kind>>;
    /** Related pages. */
    readonly links?: (facts: never) => readonly (readonly [string, string])[];
    /** Milliseconds after which it is read again, while the page is open. */
    readonly every?: number;
  };
}

export function ScreenPage({ screen, params }: { screen: Screen; params: Params }): ReactNode {
  const { title, area, intro, table, facts, object, actions = [] } = screen;
  return (
    <>
      <Title>{title}</Title>
      {intro && <p className="muted">{intro}</p>}
      <KeyGate area={area}>
        {facts && <FactsPart screen={screen} params={params} facts={facts} />}
        {table && <TablePart screen={screen} params={params} table={table} />}
        {actions.map((action) => (
          <section className="card" key={action.title} aria-label={action.title}>
            <h2>{action.title}</h2>
            <ActionForm
              fields={action.fields ?? []}
              submit={action.submit}
              ask={action.ask && ((given) => action.ask?.(given, params) ?? '')}
              run={(given, key) => action.run(apiOf(area), given, params, key)}
            >
              {(result) => <Outcome result={result} links={action.links?.(result as never)} />}
            </ActionForm>
          </section>
        ))}
        {object && <Trace id={params[object] ?? ''} area={area} />}
      </KeyGate>
    </>
  );
}

function TablePart({
  screen: { title, area, path },
  params,
  table,
}: {
  screen: Screen;
  params: Params;
  table: NonNullable<Screen['table']>;
}): ReactNode {
  const query = useQuery({
    queryKey: [area, path, 'table', params],
    queryFn: () => table.load(apiOf(area), params),
  });
  return (
    <Loaded query={query}>
      {({ rows, total = rows.length }) => (
        <DataTable caption={title} columns={table.columns} rows={rows} total={total} empty={table.empty} />
      )}
    </Loaded>
  );
}

function FactsPart({
  screen: { area, path },
  params,
  facts: { load, kinds = {}, links, every },
}: {
  screen: Screen;
  params: Params;
  facts: NonNullable<Screen['facts']>;
}): ReactNode {
  const query = useQuery({
    queryKey: [area, path, 'facts', params],
    queryFn: () => load(apiOf(area), params),
    refetchInterval: every ?? false,
  });
  return (
    <Loaded query={query}>
      {(data) => (
        <section className="card" aria-label="Details">
          <Facts
            facts={Object.entries(data).map(([name, value]) => [worded(name), value, kindOf(name, kinds)])}
          />
          <Links links={links?.(data as never)} />
        </section>
      )}
    </Loaded>
  );
}

/** Related pages. */
export function Links({
  links = [],
}: {
  links?: readonly (readonly [string, string])[] | undefined;
}): ReactNode {
  if (links.length === 0) return null;
  return (
    <ul className="links">
      {links.map(([label, href]) => (
        <li key={href}>
          <Link href={href}>{label}</Link>
        </li>
      ))}
    </ul>
  );
}

function Outcome({
  result,
  links,
}: {
  result: unknown;
  links?: readonly (readonly [string, string])[] | undefined;
}): ReactNode {
  if (typeof result !== 'object' || result === null) return <span role="status">Done.</span>;
  return (
    <div className="notice" role="status">
      <Facts facts={Object.entries(result).map(([name, value]) => [worded(name), value, kindOf(name, {})])} />
      <Links links={links} />
    </div>
  );
}

function kindOf(name: string, kinds: Readonly<Record<string, Kind>>): Kind {
  if (kinds[name]) return kinds[name];
  if (name === 'status') return 'status';
  return /(^|_)id$|key|secret|address|hash|token$/.test(name) ? 'code' : 'text';
}

function worded(name: string): string {
  const text = name.replaceAll('_', ' ').replaceAll(/([a-z])([A-Z])/g, '$1 $2');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
