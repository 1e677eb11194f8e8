import { useQueryClient } from '@tanstack/react-query';
import { useReducer, type ReactNode } from 'react';
import { ActionForm } from './ActionForm.js';
import { forgetKey, isPresented, keepKey, keyOf, type Area, type KeyArea } from './api.js';

const names: Record<KeyArea, { readonly label: string; readonly header: string; readonly intro: string }> = {
  agent: {
    label: 'Agent key',
    header: 'Authorization: Bearer',
    intro: 'Wallet, payments, services, tokens and payouts of one agent, by its key (pk_test_…).',
  },
  gateway: {
    label: 'Gateway key',
    header: 'X-Gateway-Key',
    intro: 'Balance, calls and receipts of one gateway, by its key (gw_live_…).',
  },
  developer: {
    label: 'Developer key',
    header: 'X-Developer-Key',
    intro: 'Earnings, organizations, invoices and listings of a developer, by their key (dev_live_…).',
  },
  operator: {
    label: 'Operator key',
    header: 'X-Admin-Key',
    intro: 'For the operator of this platform alone.',
  },
};

/** Asks for the key that an area is seen with, and shows the area once there is one. */
export function KeyGate({ area, children }: { area: Area; children: ReactNode }): ReactNode {
  const [, refresh] = useReducer((count: number) => count + 1, 0);
  const queries = useQueryClient();
  if (area === 'session') return children;
  const { label, header, intro } = names[area];
  if (keyOf(area) === undefined && !isPresented(area))
    return (
      <section className="card">
        <p>{intro}</p>
        <p className="small muted">
          It is sent as <code>{header}</code> with each request, kept for this tab alone, and forgotten when
          the tab closes.
        </p>
        <ActionForm
          fields={[{ name: 'key', label, type: 'password' }]}
          submit="Open"
          run={async ({ key = '' }) => {
            keepKey(area, key.trim());
            queries.clear();
            refresh();
          }}
        />
      </section>
    );
  return (
    <>
      {children}
      {keyOf(area) !== undefined && (
        <p>
          <button
            className="plain"
            type="button"
            onClick={() => {
              forgetKey(area);
              queries.clear();
              refresh();
            }}
          >
            Forget the {label.toLowerCase()}
          </button>
        </p>
      )}
    </>
  );
}
