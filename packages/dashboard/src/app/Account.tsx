import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ActionForm } from './ActionForm.js';
import { ownApi } from './api.js';

/** Who is signed in, by a page that was opened with a session. */
export function Account(): ReactNode {
  const signedIn = document.querySelector('meta[name="agentpay-session"]') !== null;
  const query = useQuery({
    queryKey: ['account'],
    queryFn: () => ownApi().web.auth.session(),
    enabled: signedIn,
  });
  if (!signedIn)
    return (
      <p>
        <a href="/signin">Sign in</a>
      </p>
    );
  return (
    <div className="account">
      {query.data && <p className="small muted">Signed in as {query.data.user.login}</p>}
      <ActionForm
        submit="Sign out"
        run={async () => {
          const { url } = await ownApi().web.auth.signout({});
          location.assign(url);
        }}
      />
    </div>
  );
}
