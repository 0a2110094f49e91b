import type { INodeProperties } from 'n8n-workflow';
import { requestProperties } from '../shared/properties';
import {
	binaryPropertyName,
	downloadVideo,
	maxConcurrentTasks,
	maxTasks,
	maxTotalSeconds,
	pollInterval,
	validateOnly,
	waitLimit,
	withToolDefault,
} from '../shared/properties/completion';

const completion: INodeProperties = {
	displayName: 'When to Continue',
	name: 'completion',
	type: 'options',
	noDataExpression: true,
	options: [
		{
			name: 'Return Task ID Immediately',
			value: 'submitOnly',
			description: 'Continue at once; fetch the video later with Kling Task Status',
		},
		{
			name: 'Wait Until Done',
			value: 'poll',
			description: 'Ask the provider for the status until the video is there',
		},
	],
	default: 'poll',
	description: 'How the workflow goes on after the task is created',
};

const waiting = { show: { completion: ['poll'] } };

export const properties: INodeProperties[] = [
	...requestProperties,
	// An agent cannot wait for minutes, nor use a file.
	...withToolDefault(completion, 'submitOnly'),
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
		options: [maxConcurrentTasks, maxTasks, maxTotalSeconds, pollInterval, validateOnly, waitLimit],
	},
];
