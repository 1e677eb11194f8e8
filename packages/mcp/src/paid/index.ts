export {
  paidCall,
  paidTool,
  type PaidToolCall,
  type PaidCallOptions,
  type PaidToolHandler,
  type PaidToolOptions,
} from './paidTool.js';
export { payingMcpClient, type PayingClientOptions, type PayingMcpClient } from './payingClient.js';
