import type { UseQueryResult } from '@tanstack/react-query';
import { ApiError } from '@agentpay/sdk';
import type { ReactNode } from 'react';

/** What a request gave, or why it gave nothing. */
export function Loaded<Data>({
  query,
  children,
}: {
  query: Pick<UseQueryResult<Data>, 'data' | 'error'> & { readonly refetch: () => unknown };
  children: (data: Data) => ReactNode;
}): ReactNode {
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <Refusal error={query.error} retry={() => void query.refetch()} />;
  return (
    <p role="status" className="muted">
      Loading…
    </p>
  );
}

/** Why something did not happen, and what can be done about it. */
export function Refusal({ error, retry }: { error: Error; retry?: () => void }): ReactNode {
  const refused = error instanceof ApiError;
  const noPermission = refused && (error.status === 401 || error.status === 403);
  return (
    <div role="alert">
      <p>
        <strong>{noPermission ? 'You may not see or do this.' : 'It did not work.'}</strong> {error.message}
      </p>
      {refused && (
        <p className="small">
          {error.hint} <span className="muted">Code</span> <code>{error.code}</code>{' '}
          <span className="muted">Request</span> <code>{error.requestId}</code>
        </p>
      )}
      {retry && !noPermission && (
        <button className="plain" type="button" onClick={retry}>
          Try again
        </button>
      )}
      {noPermission && <a href="/signin">Sign in again</a>}
    </div>
  );
}
