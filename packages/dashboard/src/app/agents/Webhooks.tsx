import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ActionForm, Secret } from '../ActionForm.js';
import { ownApi } from '../api.js';
import { DataTable, type Column } from '../DataTable.js';
import { Loaded } from '../Loaded.js';

const api = () => ownApi().buyer.webhooks;
const EVENTS = 'payment.confirmed payment.failed payment.rejected';
const WATCH_MS = 2000;

/** Who is told of an agent's events, and what became of it. */
export function Webhooks({ id }: { id: string }): ReactNode {
  const query = useQuery({
    queryKey: ['session', 'agent', id, 'webhooks'],
    queryFn: () => api().list({ id }),
  });
  return (
    <section className="card" aria-label="Webhooks">
      <h2>Webhooks</h2>
      <Loaded query={query}>
        {({ webhooks }) => (
          <>
            <DataTable
              name="webhooks"
              caption="Webhooks"
              columns={columnsOf(id)}
              rows={webhooks}
              empty="Nobody is told of this agent's payments."
            />
            {webhooks.map(({ id: webhookId, url }) => (
              <Deliveries key={webhookId} id={id} webhookId={webhookId} url={url} />
            ))}
          </>
        )}
      </Loaded>
      <h3>Add a webhook</h3>
      <ActionForm
        fields={[
          { name: 'url', label: 'URL', type: 'url', placeholder: 'https://…' },
          { name: 'events', label: 'Events', initial: EVENTS },
        ]}
        submit="Add webhook"
        run={({ url = '', events = '' }) =>
          api().create({ id, url, events: events.split(/[\s,]+/).filter(Boolean) })
        }
      >
        {({ secret }) => <Secret name="Signing secret" value={secret} />}
      </ActionForm>
    </section>
  );
}

function columnsOf(id: string): readonly Column[] {
  return [
    { key: 'url', label: 'URL' },
    { key: 'events', label: 'Events' },
    { key: 'status', label: 'Status', kind: 'status' },
    {
      key: 'remove',
      label: 'End',
      cell: (hook: { id: string; url: string }) => (
        <ActionForm
          submit="Delete"
          ask={() => `Delete the webhook to ${hook.url}? Its deliveries go with it.`}
          run={() => api().delete({ id, webhook_id: hook.id })}
        />
      ),
    },
  ];
}

/** What was sent to one webhook. It is read again while somebody looks. */
function Deliveries({ id, webhookId, url }: { id: string; webhookId: string; url: string }): ReactNode {
  const query = useQuery({
    queryKey: ['session', 'agent', id, 'deliveries', webhookId],
    queryFn: () => api().deliveries({ id, webhook_id: webhookId, limit: 100 }),
    refetchInterval: WATCH_MS,
  });
  const columns: readonly Column[] = [
    { key: 'type', label: 'Event' },
    { key: 'eventId', label: 'Event id', kind: 'code' },
    { key: 'status', label: 'Status', kind: 'status' },
    { key: 'attempts', label: 'Attempts', kind: 'number' },
    { key: 'responseStatus', label: 'Response', kind: 'number' },
    { key: 'error', label: 'Error' },
    { key: 'createdAt', label: 'Time', kind: 'time' },
    {
      key: 'replay',
      label: 'Again',
      cell: (delivery: { id: string }) => (
        <ActionForm
          submit="Replay"
          run={() => api().replay({ id, webhook_id: webhookId, delivery_id: delivery.id })}
        />
      ),
    },
  ];
  return (
    <>
      <h3>Deliveries to {url}</h3>
      <Loaded query={query}>
        {({ deliveries, total }) => (
          <DataTable
            name={webhookId}
            caption={`Deliveries to ${url}`}
            columns={columns}
            rows={deliveries}
            total={total}
            empty="Nothing was sent yet."
          />
        )}
      </Loaded>
    </>
  );
}
