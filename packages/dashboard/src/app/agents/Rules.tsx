import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { ActionForm, filled, type Field, type Given } from '../ActionForm.js';
import { ownApi } from '../api.js';
import { DataTable, type Column } from '../DataTable.js';
import { money, plain, time } from '../format.js';
import { Loaded } from '../Loaded.js';

const api = () => ownApi().buyer;

type Rule = Awaited<ReturnType<ReturnType<typeof api>['rules']['list']>>['rules'][number];

interface RuleForm {
  readonly title: string;
  readonly fields: readonly Field[];
  readonly paramsOf: (given: Given) => object;
}

/** A form for each type of rule. */
const forms: Record<string, RuleForm> = {
  max_amount: {
    title: 'Most of one payment',
    fields: [{ name: 'amount', label: 'Amount', type: 'amount', placeholder: '1.00' }],
    paramsOf: ({ amount }) => ({ amount }),
  },
  approval_over: {
    title: 'Ask me above an amount',
    fields: [{ name: 'amount', label: 'Amount', type: 'amount', placeholder: '5.00' }],
    paramsOf: ({ amount }) => ({ amount }),
  },
  time_restriction: {
    title: 'When payments are allowed',
    fields: [
      { name: 'from', label: 'From', type: 'time', optional: true },
      { name: 'to', label: 'Until', type: 'time', optional: true },
      { name: 'days', label: 'Days, as mon tue; empty is every day', optional: true },
      { name: 'timeZone', label: 'Time zone', initial: 'UTC' },
    ],
    paramsOf: ({ from, to, days = '', timeZone }) => ({
      ...(from && to && { hours: { from, to } }),
      ...(days.trim() && {
        days: days
          .trim()
          .toLowerCase()
          .split(/[\s,]+/),
      }),
      timeZone,
    }),
  },
  per_seller_cap: {
    title: 'Most for one seller',
    fields: [
      { name: 'seller', label: 'Address; empty is each seller', placeholder: '0x…', optional: true },
      { name: 'amount', label: 'Amount in all', type: 'amount' },
      { name: 'period', label: 'Per', type: 'select', options: ['day', 'month', 'ever'] },
    ],
    paramsOf: ({ period, ...given }) => filled({ ...given, period: period === 'ever' ? '' : (period ?? '') }),
  },
};

export function Rules({ id }: { id: string }): ReactNode {
  const [type, setType] = useState('max_amount');
  const query = useQuery({
    queryKey: ['session', 'agent', id, 'rules'],
    queryFn: () => api().rules.list({ id }),
  });
  const form = forms[type] as RuleForm;
  return (
    <section className="card" aria-label="Policy rules">
      <h2>Policy rules</h2>
      <p className="muted">
        Every active rule must let a payment pass, beside the limits and the allow list.
      </p>
      <Loaded query={query}>
        {({ rules }) => (
          <DataTable
            name="rules"
            caption="Rules"
            columns={columnsOf(id)}
            rows={rules.map((rule) => ({
              ...rule,
              says: wordsOf(rule),
              status: rule.active ? 'active' : 'off',
            }))}
            empty="There are no rules."
          />
        )}
      </Loaded>
      <h3>Add a rule</h3>
      <label>
        Type of the rule
        <select value={type} onChange={({ target }) => setType(target.value)}>
          {Object.entries(forms).map(([name, { title }]) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <ActionForm
        key={type}
        fields={form.fields}
        submit="Add rule"
        run={(given) => api().rules.create({ id, type: type as 'max_amount', params: form.paramsOf(given) })}
      >
        {(rule) => <span role="status">Added: {wordsOf(rule)}.</span>}
      </ActionForm>
      <Preview id={id} />
    </section>
  );
}

function columnsOf(id: string): readonly Column[] {
  return [
    { key: 'type', label: 'Type' },
    { key: 'says', label: 'Says' },
    { key: 'status', label: 'Status', kind: 'status' },
    {
      key: 'change',
      label: 'Change',
      cell: (rule: Rule) => (
        <div className="row">
          <ActionForm
            submit={rule.active ? 'Switch off' : 'Switch on'}
            run={() => api().rules.update({ id, rule_id: rule.id, active: !rule.active })}
          />
          <ActionForm
            submit="Delete"
            ask={() => `Delete the rule “${wordsOf(rule)}”?`}
            run={() => api().rules.delete({ id, rule_id: rule.id })}
          />
        </div>
      ),
    },
  ];
}

/** What a rule says, for people. */
function wordsOf({ type, params }: Rule): string {
  const amount = params.amount === undefined ? '' : money(params.amount);
  switch (type) {
    case 'max_amount':
      return `at most ${amount} a payment`;
    case 'approval_over':
      return `what is above ${amount} needs your approval`;
    case 'per_seller_cap':
      return `at most ${amount} for ${params.seller ?? 'each seller'}, ${params.period ? `a ${params.period}` : 'ever'}`;
    case 'time_restriction': {
      const { hours, days, timeZone = 'UTC' } = params;
      const when = [hours && `${hours.from} to ${hours.to}`, days?.join(', ')].filter(Boolean).join(' on ');
      return `${when} (${timeZone})`;
    }
    default:
      return plain(params);
  }
}

/** "Would this payment pass?", asked of limits, allow list and rules as they are now. */
function Preview({ id }: { id: string }): ReactNode {
  return (
    <>
      <h3>Would this payment pass?</h3>
      <ActionForm
        fields={[
          { name: 'amount', label: 'Amount to try', type: 'amount', initial: '0.01' },
          { name: 'seller', label: 'Seller to try', placeholder: '0x…', optional: true },
        ]}
        submit="Try"
        run={(given) => api().rules.preview({ id, ...(filled(given) as { amount: string }) })}
      >
        {({ allowed, code, limit, spent, remaining, resetsAt }) => (
          <p role="status">
            <span className={allowed ? 'badge ok' : 'badge danger'}>{allowed ? 'passes' : 'refused'}</span>{' '}
            {code && code.replaceAll('_', ' ')}
            {limit !== null && `: limit ${money(limit)}`}
            {spent !== null && `, spent ${money(spent)}`}
            {remaining !== null && `, left ${money(remaining)}`}
            {resetsAt !== null && `, anew ${time(resetsAt)}`}
          </p>
        )}
      </ActionForm>
    </>
  );
}
