import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';

/** How a trigger tells real callbacks from forged ones. Each provider picks its default and its words. */

export const askTheApi: INodePropertyOptions = {
	name: 'Ask API',
	value: 'recheck',
	description:
		'Look the task up with the credential, and believe only the answer. Of the callback, only the task ID is used.',
};

export const signature: INodePropertyOptions = {
	name: 'Signature',
	value: 'signature',
	description:
		'Check the signature of each callback. Needs the Webhook Secret in the credential.',
};

/** Asks the API by default, which serves also where it is not known how callbacks are signed. */
export const authentication: INodeProperties = {
	displayName: 'Authentication',
	name: 'authentication',
	type: 'options',
	noDataExpression: true,
	options: [askTheApi, signature],
	default: 'recheck',
	description: 'How to tell real callbacks from forged ones',
};
