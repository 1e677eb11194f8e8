export { readMockOptions, type MockFlags, type MockOptions } from './MockOptions.js';
export { mockSeller } from './seller.js';
