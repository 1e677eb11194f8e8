export { session, signIn, signOut } from './operations.js';
export type { SignedIn } from './operations.js';
export type { SignInAccount, Provider, User } from './User.js';
