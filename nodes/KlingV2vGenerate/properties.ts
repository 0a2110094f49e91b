import type {
	INodeProperties,
	INodePropertyOptions,
	IWebhookDescription,
	NodeHint,
} from 'n8n-workflow';
import { allProviders } from '../shared/providers';
import { requestProperties, shownFor } from '../shared/providers/nodeProperties';
import {
	binaryPropertyName,
	downloadVideo,
	taskOptions,
} from '../shared/parameters/optionProperties';

const whenDone: INodePropertyOptions = {
	name: 'Wait Until Done',
	value: 'poll',
	description: 'Ask the provider for the status until the video is there',
};

const atOnce: INodePropertyOptions = {
	name: 'Return Task ID Immediately',
	value: 'submitOnly',
	description: 'Go on at once; fetch the video later with Kling Task Status',
};

const onCallback: INodePropertyOptions = {
	name: 'Pause Until Callback',
	value: 'callback',
	description:
		'Wait until done, and look at the task as soon as the provider calls back. Needs an n8n that the internet can reach.',
};

const completion: INodeProperties = {
	displayName: 'When to Continue',
	name: 'completion',
	type: 'options',
	noDataExpression: true,
	options: [atOnce, whenDone],
	default: 'poll',
	description: 'When the workflow goes on after the task is created',
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
	...forSome(callingBack, { ...completion, options: [onCallback, atOnce, whenDone] }),
	...forSome(others, completion),
	{
		...completion,
		default: 'submitOnly',
		builderHint: undefined,
		displayOptions: { show: { '@tool': [true] } },
	},
];

/** @returns the property, if there is a provider to show it for */
function forSome(some: typeof allProviders, property: INodeProperties): INodeProperties[] {
	return some.length > 0 ? [shownFor(some, property, notAsTool)] : [];
}

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

/** Shown in the editor before the node is executed, without running it. */
export const staticHints: NodeHint[] = [
	{
		type: 'info',
		message:
			'Each input item makes one paid task. To look first, add the option <b>Validate Only</b>: it shows the request and sends nothing.',
		displayCondition: '={{ $parameter["options"]?.["validateOnly"] !== true }}',
		whenToDisplay: 'beforeExecution',
		location: 'outputPane',
	},
	{
		type: 'info',
		message: '<b>Validate Only</b> is on: nothing is sent to the provider, and nothing is billed.',
		displayCondition: '={{ $parameter["options"]?.["validateOnly"] === true }}',
		whenToDisplay: 'beforeExecution',
		location: 'outputPane',
	},
	{
		type: 'info',
		message:
			'This node will not wait for the video. Fetch it later with <b>Kling Task Status</b>, or let a <b>Kling V2V Trigger</b> start another workflow.',
		displayCondition: '={{ $parameter["completion"] === "submitOnly" }}',
		whenToDisplay: 'beforeExecution',
		location: 'outputPane',
	},
	{
		type: 'warning',
		message:
			'The prompt does not mention @Video1, so Kling may not use the reference video as you mean.',
		displayCondition:
			'={{ !!$parameter["prompt"] && !/@video1/i.test(String($parameter["prompt"])) }}',
		whenToDisplay: 'beforeExecution',
		location: 'ndv',
	},
];
