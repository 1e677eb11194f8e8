import { useQuery } from '@tanstack/react-query';
import { formatDecimal } from '@agentpay/primitives';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { ActionForm, filled, type Field, type Given } from '../ActionForm.js';
import { apiOf } from '../apiOf.js';
import { DataTable } from '../DataTable.js';
import { KeyGate } from '../KeyGate.js';
import { Loaded } from '../Loaded.js';
import { Title } from '../Title.js';
import { Trace } from '../Trace.js';
import { column, columns } from '../screens/listed.js';
import { Facts } from '../Value.js';
import { methodLines, methodsIn } from './methods.js';

const api = () => apiOf('developer').gateway;
type Listing = Awaited<ReturnType<ReturnType<typeof api>['listings']['get']>>;

/** A listing as its developer sees to it: what it says, what its methods cost, its versions. */
export default function ListingPage({ id }: { id: string }): ReactNode {
  return (
    <>
      <Title>Listing</Title>
      <KeyGate area="developer">
        <Listed id={id} />
      </KeyGate>
      <p>
        <Link href="/dev/dashboard/listings">All your listings</Link>
      </p>
    </>
  );
}

function Listed({ id }: { id: string }): ReactNode {
  const query = useQuery({
    queryKey: ['developer', 'listing', id],
    queryFn: () => api().listings.get({ agent_id: id }),
  });
  return (
    <Loaded query={query}>
      {(listing) => (
        <>
          <section className="card" aria-label="Listing">
            <Facts
              facts={[
                ['Id', listing.id, 'code'],
                ['Name', listing.name],
                ['Status', listing.status, 'status'],
                ['Category', listing.category],
                ['Description', listing.description],
                ['Visibility', listing.visibility],
                ['Regions', listing.regions.length ? listing.regions : null],
                ['Certifications', listing.certifications.length ? listing.certifications : null],
                ['Service', listing.service_id, 'code'],
                ['Made', listing.created_at],
              ]}
            />
            {listing.status === 'pending' && <p>It is offered once the operator has approved it.</p>}
            {listing.status === 'active' && listing.visibility === 'public' && (
              <a href={`/storefront/agents/${listing.id}`}>As buyers see it</a>
            )}
          </section>
          <Change listing={listing} />
          <Methods listing={listing} />
          <Versions id={id} />
          <Trace id={id} area="developer" />
        </>
      )}
    </Loaded>
  );
}

const details: readonly Field[] = [
  { name: 'endpoint_url', label: 'URL that is called', type: 'url', optional: true },
  { name: 'description', label: 'Description', optional: true },
  { name: 'regions', label: 'Regions, as us-east eu-west', optional: true },
];
const visibility: Field = {
  name: 'visibility',
  label: 'Visibility',
  type: 'select',
  options: ['public', 'private'],
};

/** The fields of a new listing. */
export const newListing: readonly Field[] = [
  { name: 'name', label: 'Name' },
  { name: 'category', label: 'Category', placeholder: 'analytics' },
  ...details,
  visibility,
  {
    name: 'methods',
    label: 'Methods and prices in USDC, one a line',
    type: 'lines',
    placeholder: 'summarize | 0.01',
  },
  { name: 'version', label: 'Version', optional: true, placeholder: 'v1.0.0' },
];

/** What a form says of a listing, as the API takes it. What was left empty is not sent. */
export function readListing({ regions = '', methods = '', ...given }: Given) {
  return {
    ...(filled(given) as { name: string; category: string; visibility: 'public' }),
    ...(regions.trim() && { regions: regions.trim().split(/[\s,]+/) }),
    ...(methods.trim() && { methods: methodsIn(methods) }),
  };
}

function Change({ listing }: { listing: Listing }): ReactNode {
  const { id, category, description, regions } = listing;
  const initial: Record<string, string> = { description: description ?? '', regions: regions.join(' ') };
  return (
    <section className="card" aria-label="Change it">
      <h2>Change it</h2>
      <p className="muted">
        What is left empty stays as it is. A listing that is called elsewhere from then on waits for approval
        again.
      </p>
      <ActionForm
        fields={[
          { name: 'category', label: 'Category', initial: category },
          ...details.map((field) => ({ ...field, initial: initial[field.name] ?? '' })),
          { ...visibility, initial: listing.visibility },
        ]}
        submit="Save"
        run={(given) => api().listings.update({ agent_id: id, ...readListing(given) })}
      >
        {() => <span role="status">Saved.</span>}
      </ActionForm>
    </section>
  );
}

function Methods({ listing: { id, methods } }: { listing: Listing }): ReactNode {
  return (
    <section className="card" aria-label="Methods and prices">
      <h2>Methods and prices</h2>
      <DataTable
        name="methods"
        caption="Methods"
        columns={columns('name', 'price_usdc', 'description', 'id')}
        rows={methods}
        empty="There are no methods yet: nothing can be bought."
      />
      <ActionForm
        fields={[
          {
            name: 'methods',
            label: 'One a line: name | price in USDC | description',
            type: 'lines',
            initial: methodLines(
              methods.map((method) => ({ ...method, price_usdc: formatDecimal(method.price_usdc) })),
            ),
          },
        ]}
        submit="Save prices"
        run={({ methods: lines = '' }) => api().pricing.set({ agent_id: id, methods: methodsIn(lines) })}
      >
        {() => <span role="status">Saved. Calls under way keep their price.</span>}
      </ActionForm>
    </section>
  );
}

function Versions({ id }: { id: string }): ReactNode {
  const query = useQuery({
    queryKey: ['developer', 'listing', id, 'versions'],
    queryFn: () => api().versions.list({ agent_id: id, limit: 100 }),
  });
  return (
    <section className="card" aria-label="Versions">
      <h2>Versions</h2>
      <Loaded query={query}>
        {({ versions, total }) => (
          <DataTable
            name="versions"
            caption="Versions"
            columns={[column('id'), column('notes', 'long'), column('created_at')]}
            rows={versions}
            total={total}
            empty="No version was released yet."
          />
        )}
      </Loaded>
      <ActionForm
        fields={[
          { name: 'version', label: 'Version', placeholder: 'v1.0.1' },
          { name: 'notes', label: 'Notes', optional: true },
        ]}
        submit="Release"
        run={({ version = '', notes = '' }) =>
          api().versions.add({ agent_id: id, version, ...(notes && { notes }) })
        }
      >
        {({ id: version }) => <span role="status">Released: {version}.</span>}
      </ActionForm>
    </section>
  );
}
