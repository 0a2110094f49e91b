import type { IExecuteFunctions, IWebhookFunctions } from 'n8n-workflow';

/** The functions of n8n that a request needs, whether a run of the node or a callback to it makes it. */
export type RequestContext = Pick<
	IExecuteFunctions | IWebhookFunctions,
	'helpers' | 'getCredentials'
>;
