import type { INodeProperties } from 'n8n-workflow';

/** Parameters about waiting and files, which no API knows of; both action nodes use them. */

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

export const waitLimit: INodeProperties = {
	displayName: 'Wait Limit (Minutes)',
	name: 'waitLimit',
	type: 'number',
	typeOptions: { minValue: 0 },
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
