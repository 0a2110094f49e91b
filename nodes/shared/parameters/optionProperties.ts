import type { INodeProperties } from 'n8n-workflow';
import type { ApiProperty } from './declare';

/** Parameters about waiting, files and spending, which no API knows of. */

export const downloadVideo: INodeProperties = {
	displayName: 'Download Video',
	name: 'downloadVideo',
	type: 'boolean',
	default: true,
	description:
		'Whether to fetch the finished video into a binary field; the links expire, the file stays',
};

export const binaryPropertyName: INodeProperties = {
	displayName: 'Put Output File in Field',
	name: 'binaryPropertyName',
	type: 'string',
	default: 'data',
	required: true,
	hint: 'The name of the output binary field to put the file in',
};

export const pollInterval: INodeProperties = {
	displayName: 'Poll Interval (Seconds)',
	name: 'pollInterval',
	type: 'number',
	typeOptions: { minValue: 1 },
	default: 10,
	description:
		'How often to ask the provider for the status, at least 1. Without this option the node asks often at first and less often the longer the task runs.',
};

/** 30 days: Kling deletes its results then. */
const LONGEST_WAIT_MINUTES = 30 * 24 * 60;

export const waitLimit: INodeProperties & Pick<ApiProperty, 'limits'> = {
	displayName: 'Wait Limit (Minutes)',
	name: 'waitLimit',
	type: 'number',
	typeOptions: { minValue: 0 },
	limits: { maxValue: LONGEST_WAIT_MINUTES },
	default: 60,
	description:
		'How long to wait for a video. When it passes, the item comes out with its task ID and timedOut; the task goes on at the provider.',
};

export const maxConcurrentTasks: INodeProperties = {
	displayName: 'Max Concurrent Tasks',
	name: 'maxConcurrentTasks',
	type: 'number',
	typeOptions: { minValue: 1, numberPrecision: 0 },
	default: 3,
	description:
		'How many tasks of this run may be under way at once. Providers refuse more than the account allows.',
};

export const maxTasks: INodeProperties = {
	displayName: 'Max Tasks',
	name: 'maxTasks',
	type: 'number',
	typeOptions: { minValue: 1, numberPrecision: 0 },
	default: 10,
	description:
		'Refuse the whole run, before anything is paid, when it would create more tasks than this',
};

export const maxTasksPerExecution: INodeProperties = {
	displayName: 'Max Tasks per Execution',
	name: 'maxTasksPerExecution',
	type: 'number',
	typeOptions: { minValue: 1, numberPrecision: 0 },
	default: 20,
	description:
		'Refuse a run, before anything is paid, when this node would have created more tasks than this in the whole execution: all rounds of a loop, all calls of an agent, and what a retried execution has created',
};

export const pricePerSecond: INodeProperties = {
	displayName: 'Price per Second',
	name: 'pricePerSecond',
	type: 'number',
	typeOptions: { minValue: 0, numberPrecision: 4 },
	default: 0,
	description:
		'What your provider charges you for a second of video, in your currency. Each item then has an estimatedCost.',
};

export const maxCost: INodeProperties = {
	displayName: 'Max Cost',
	name: 'maxCost',
	type: 'number',
	typeOptions: { minValue: 0, numberPrecision: 2 },
	default: 5,
	description:
		'Refuse the whole run, before anything is paid, when its videos would cost more than this together. Needs Price per Second.',
};

export const includeInput: INodeProperties = {
	displayName: 'Include Input Fields',
	name: 'includeInput',
	type: 'boolean',
	default: false,
	description: 'Whether to put out the fields of the input item as well; where names are the same, the field of the task counts',
};

export const maxTotalSeconds: INodeProperties = {
	displayName: 'Max Total Seconds',
	name: 'maxTotalSeconds',
	type: 'number',
	typeOptions: { minValue: 1 },
	default: 60,
	description:
		'Refuse the whole run, before anything is paid, when its videos would be longer than this together. An edit counts as 15.5 seconds, the longest reference video, or as the part that is used.',
};

export const validateOnly: INodeProperties = {
	displayName: 'Validate Only',
	name: 'validateOnly',
	type: 'boolean',
	// The value once the option is added: a user who adds it wants it, and may run the workflow at once.
	default: true,
	description:
		'Whether to check everything and put out the exact request without sending it; nothing is created or paid',
};

export const checkMedia: INodeProperties = {
	displayName: 'Check Media',
	name: 'checkMedia',
	type: 'boolean',
	default: true,
	description:
		'Whether to look at the reference video and the images before anything is paid: kind, length, size and frame rate. Reads a small part of each file.',
};

export const clipStart: INodeProperties = {
	displayName: 'Clip Start (Seconds)',
	name: 'clipStart',
	type: 'number',
	typeOptions: { minValue: 0 },
	default: 0,
	description:
		'Where in the reference video the part begins that is used. It is cut out without encoding it again.',
};

export const clipLength: INodeProperties = {
	displayName: 'Clip Length (Seconds)',
	name: 'clipLength',
	type: 'number',
	typeOptions: { minValue: 0.1 },
	default: 10,
	description:
		'Length of the part of the reference video that is used. Without this option it is 10, or as much as there is.',
};

export const unverifiedMedia: INodeProperties = {
	displayName: 'Unverified Media',
	name: 'unverifiedMedia',
	type: 'options',
	options: [
		{
			name: 'Continue',
			value: 'continue',
			description: 'Create the task all the same: the provider may get what n8n did not',
		},
		{
			name: 'Refuse',
			value: 'refuse',
			description: 'Refuse the item before anything is paid',
		},
	],
	default: 'continue',
	description:
		'What to do with an item whose file Check Media could not look at, because of a network failure or a busy host. An item whose file the host refuses is always refused.',
};

export const whileWaiting: INodeProperties = {
	displayName: 'While Waiting',
	name: 'whileWaiting',
	type: 'options',
	options: [
		{
			name: 'Automatic',
			value: 'auto',
			description:
				'Sleep, except where somebody waits for the answer of this execution: an agent, a chat, a parent workflow, a Webhook or Form that responds later',
		},
		{
			name: 'Run',
			value: 'run',
			description:
				'Stay awake: notice the end sooner, but hold a worker, and end when n8n ends',
		},
		{
			name: 'Sleep',
			value: 'sleep',
			description:
				"Sleep in n8n's database between two looks, without a worker; n8n can be restarted meanwhile",
		},
	],
	default: 'auto',
	description: 'How the execution spends the time until the video is there',
};

/** The same parameter twice: in a workflow, and with another default as an AI agent's tool. */
export function withToolDefault(
	property: INodeProperties,
	toolDefault: INodeProperties['default'],
): INodeProperties[] {
	const show = property.displayOptions?.show;
	return [
		{ ...property, displayOptions: { show: { ...show, '@tool': [false] } } },
		{ ...property, default: toolDefault, displayOptions: { show: { ...show, '@tool': [true] } } },
	];
}

/** The options of a task, in the order of their labels. */
export const taskOptions: INodeProperties[] = [
	checkMedia,
	clipLength,
	clipStart,
	includeInput,
	maxConcurrentTasks,
	maxCost,
	maxTasks,
	maxTasksPerExecution,
	maxTotalSeconds,
	pollInterval,
	pricePerSecond,
	unverifiedMedia,
	validateOnly,
	waitLimit,
	whileWaiting,
];
