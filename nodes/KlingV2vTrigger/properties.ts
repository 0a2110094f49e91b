import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { provider } from '../shared/providers/nodeProperties';
import { binaryPropertyName, downloadVideo } from '../shared/parameters/taskOptions';
import type { ProviderName } from '../shared/task';

function notice(name: string, displayName: string, show: Record<string, string[]>) {
	return { displayName, name, type: 'notice', default: '', displayOptions: { show } } as const;
}

const recheck: INodePropertyOptions = {
	name: 'Ask the API',
	value: 'recheck',
	description:
		'Look the task up with the credential and believe only the answer. Only the task ID is taken from the callback.',
};

const signature: INodePropertyOptions = {
	name: 'Signature',
	value: 'signature',
	description:
		'Check what each callback is signed with. Needs the Webhook Secret in the credential.',
};

const magnificAuthentication: INodeProperties = {
	displayName: 'Authentication',
	name: 'authentication',
	type: 'options',
	noDataExpression: true,
	options: [recheck, signature],
	default: 'signature',
	description: 'How real callbacks are told from forged ones',
	displayOptions: { show: { provider: ['magnific'] } },
};

/** How MuleRouter signs is not published, and its callbacks do not say where a task is. */
const muleRouterAuthentication: INodeProperties = {
	...magnificAuthentication,
	options: [
		{ ...recheck, name: 'Ask the API (Recommended)' },
		{
			...signature,
			description:
				'Check the signature, and ask the API as well. MuleRouter has not published how it signs, so this assumes the usual way (standardwebhooks.com); Ask the API is recommended. Needs the Webhook Secret in the credential.',
		},
	],
	default: 'recheck',
	displayOptions: { show: { provider: ['muleRouter'] } },
};

export const authentication: Record<ProviderName, INodeProperties> = {
	magnific: magnificAuthentication,
	muleRouter: muleRouterAuthentication,
};

export const events: INodeProperties = {
	displayName: 'Trigger On',
	name: 'events',
	type: 'multiOptions',
	noDataExpression: true,
	options: [
		{ name: 'Completed', value: 'completed', description: 'The video is there' },
		{ name: 'Failed', value: 'failed', description: 'The provider gave the task up' },
		{
			name: 'Running',
			value: 'running',
			description: 'The task was taken on, or is at work (for MuleRouter: event task.created)',
		},
	],
	default: ['completed', 'failed'],
	required: true,
	description:
		'Which news start the workflow, once each. Where several n8n processes receive callbacks, the same news may rarely start it twice at the same instant: the field dedupeKey is then the same, for a Remove Duplicates node.',
};

export const properties: INodeProperties[] = [
	{ ...provider, description: 'Whose callbacks come in' },
	notice(
		'magnificNotice',
		'Open Webhook URLs above, and copy the Production URL into the Kling V2V Generate node that makes the videos: Additional Fields → Webhook URL, with When to Continue set to Return Task ID Immediately. Use it for tasks of Kling 3 Omni video to video only.',
		{ provider: ['magnific'] },
	),
	notice(
		'muleRouterNotice',
		'Open Webhook URLs above, and add the Production URL in the MuleRouter console under Webhooks, with the events task.succeeded and task.failed. Callbacks about other models are passed over.',
		{ provider: ['muleRouter'] },
	),
	magnificAuthentication,
	muleRouterAuthentication,
	notice(
		'secretNotice',
		'Enter the Webhook Secret in the credential. Without it every callback is refused with HTTP 503.',
		{ authentication: ['signature'] },
	),
	events,
	downloadVideo,
	{ ...binaryPropertyName, displayOptions: { show: { downloadVideo: [true] } } },
];
