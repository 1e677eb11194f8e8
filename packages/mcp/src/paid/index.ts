export {
  paidCall,
  paidCalls,
  paidTool,
  type PaidToolCall,
  type PaidCallOptions,
  type PaidCalls,
  type PaidSellingOptions,
  type PaidToolHandler,
  type PaidToolOptions,
} from './paidTool.js';
export { payingMcpClient, type PayingClientOptions, type PayingMcpClient } from './payingClient.js';
