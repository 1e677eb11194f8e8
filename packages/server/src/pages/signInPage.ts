import type { WaysToSignIn } from '../signIn/waysToSignIn.js';
import { frame } from './frame.js';
import { html } from './template.js';

/** Why a sign-in did not happen, by the names that NextAuth gives them. */
const faults: Readonly<Record<string, string>> = {
  Configuration: 'Signing in with GitHub is not configured here.',
  OAuthSignin: 'The sign-in could not be started.',
  OAuthCallback: 'The sign-in was not completed. Start it again.',
  AccessDenied: 'The sign-in was cancelled.',
  SessionRequired: 'Sign in to see this page.',
};

/** The page on which people choose how to sign in. */
export function signInPage(
  { github, development }: WaysToSignIn,
  { callbackUrl, error }: { callbackUrl: string; error: string | undefined },
): string {
  const then = encodeURIComponent(callbackUrl);
  return frame({
    title: 'Sign in',
    current: '/dashboard',
    head: html`<script src="/dashboard/dashboard.js" defer></script>`,
    body: html` ${error === undefined ? undefined : html`<p role="alert">${faults[error] ?? faults['OAuthSignin']}</p>`}
    ${github && html`<p><a class="button" href="/api/auth/signin/github?callbackUrl=${then}">Sign in with GitHub</a></p>`}
    ${
      development
        ? html`<section>
            <h2>Development</h2>
            <form data-send="/api/auth/callback/development" data-then="${callbackUrl}">
              <label>Login <input name="login" value="developer" required maxlength="39" /></label>
              <button>Sign in</button>
            </form>
          </section>`
        : undefined
    }
    ${!github && !development ? html`<p>No way to sign in is configured here.</p>` : undefined}`,
  });
}
