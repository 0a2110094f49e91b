import type { INodeProperties, INodePropertyOptions, IWebhookDescription } from 'n8n-workflow';
import { allProviders } from '../shared/providers';
import { requestProperties, shownFor } from '../shared/providers/nodeProperties';
import { binaryPropertyName, downloadVideo, taskOptions } from '../shared/parameters/taskOptions';

const whenDone: INodePropertyOptions = {
	name: 'Wait Until Done',
	value: 'poll',
	description: 'Ask the provider for the status until the video is there',
};

const atOnce: INodePropertyOptions = {
	name: 'Return Task ID Immediately',
	value: 'submitOnly',
	description: 'Continue at once; fetch the video later with Kling Task Status',
};

const onCallback: INodePropertyOptions = {
	name: 'Pause Until Callback',
	value: 'callback',
	description:
		'Wait as well, and look at the task the moment the provider calls back. Needs an n8n that is reachable from the internet.',
};

const completion: INodeProperties = {
	displayName: 'When to Continue',
	name: 'completion',
	type: 'options',
	noDataExpression: true,
	options: [atOnce, whenDone],
	default: 'poll',
	description: 'How the workflow goes on after the task is created',
	builderHint: {
		propertyHint:
			'poll by default; callback only on an n8n that the internet can reach; submitOnly only before a Kling Task Status or Kling V2V Trigger',
	},
};

const notAsTool = { '@tool': [false] };
const callingBack = allProviders.filter(({ callback }) => callback);
const others = allProviders.filter(({ callback }) => !callback);

/** Some APIs cannot call back per request; an agent cannot wait for minutes, nor use a file. */
const completions: INodeProperties[] = [
	shownFor(callingBack, { ...completion, options: [onCallback, atOnce, whenDone] }, notAsTool),
	shownFor(others, completion, notAsTool),
	{
		...completion,
		default: 'submitOnly',
		builderHint: undefined,
		displayOptions: { show: { '@tool': [true] } },
	},
];

const waiting = { show: { completion: ['callback', 'poll'] } };

export const properties: INodeProperties[] = [
	...requestProperties,
	...completions,
	{ ...downloadVideo, displayOptions: waiting },
	{
		...binaryPropertyName,
		displayOptions: { show: { ...waiting.show, downloadVideo: [true] } },
	},
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add Option',
		default: {},
		options: taskOptions,
	},
];

/** The address that n8n serves for a waiting execution. Nothing is registered anywhere, as a trigger's would be. */
export const resumeWebhooks: IWebhookDescription[] = [
	{
		name: 'default',
		httpMethod: 'POST',
		responseMode: 'onReceived',
		path: '',
		restartWebhook: true,
	},
];
