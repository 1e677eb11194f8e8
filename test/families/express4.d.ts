/** Express 4 under an alias of its own; what the tests use of it has the shape of Express 5. */
declare module 'express4' {
  import express from 'express';
  export default express;
}
