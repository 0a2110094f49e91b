import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';

/** How a trigger tells real callbacks from forged ones. Each provider picks its default and its words. */

export const askTheApi: INodePropertyOptions = {
	name: 'Ask API',
	value: 'recheck',
	description:
		'Look the task up with the credential and believe only the answer. Only the task ID is taken from the callback.',
};

export const signature: INodePropertyOptions = {
	name: 'Signature',
	value: 'signature',
	description:
		'Check what each callback is signed with. Needs the Webhook Secret in the credential.',
};

/** Asks the API by default, which serves also where it is not known how callbacks are signed. */
export const authentication: INodeProperties = {
	displayName: 'Authentication',
	name: 'authentication',
	type: 'options',
	noDataExpression: true,
	options: [askTheApi, signature],
	default: 'recheck',
	description: 'How real callbacks are told from forged ones',
};
