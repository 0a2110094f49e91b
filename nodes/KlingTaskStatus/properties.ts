import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { allProviders, labelsOf } from '../shared/providers';
import { endpointProperties, provider, shownFor } from '../shared/providers/nodeProperties';
import {
	binaryPropertyName,
	downloadVideo,
	pollInterval,
	waitLimit,
	whileWaiting,
	withToolDefault,
} from '../shared/parameters/optionProperties';

const withList = allProviders.filter(({ listPath }) => listPath);
const withoutList = allProviders.filter(({ listPath }) => !listPath);

const getMany: INodePropertyOptions = {
	name: 'Get Many',
	value: 'getMany',
	action: 'Get many tasks',
	description: `List the account's tasks${withoutList.length > 0 ? ` (${labelsOf(withList)} only)` : ''}`,
};

const operations: INodePropertyOptions[] = [
	{
		name: 'Download',
		value: 'download',
		action: 'Download video',
		description: 'Fetch the file of a finished task; an error if there is none',
	},
	{
		name: 'Get',
		value: 'get',
		action: 'Get task',
		description: 'Look up the status of a task once',
	},
	...(withList.length > 0 ? [getMany] : []),
	{
		name: 'Wait',
		value: 'wait',
		action: 'Wait for task',
		description: 'Look up the status of a task until it has finished',
	},
];

const operation: INodeProperties = {
	displayName: 'Operation',
	name: 'operation',
	type: 'options',
	noDataExpression: true,
	options: operations,
	default: 'get',
};

const onOneTask = { operation: ['get', 'wait', 'download'] };
const onStatus = { operation: ['get', 'wait'] };

export const returnAll: INodeProperties = {
	displayName: 'Return All',
	name: 'returnAll',
	type: 'boolean',
	default: false,
	description: 'Whether to return all results or only up to a given limit',
	displayOptions: { show: { operation: ['getMany'] } },
};

export const limit: INodeProperties = {
	displayName: 'Limit',
	name: 'limit',
	type: 'number',
	typeOptions: { minValue: 1, numberPrecision: 0 },
	default: 50,
	description: 'Max number of results to return',
	displayOptions: { show: { operation: ['getMany'], returnAll: [false] } },
};

export const routeByStatus: INodeProperties = {
	displayName: 'Route by Status',
	name: 'routeByStatus',
	type: 'boolean',
	default: false,
	description: 'Whether to send items to three outputs: Completed, Running and Failed',
	displayOptions: { show: onStatus },
};

export const properties: INodeProperties[] = [
	{
		...provider,
		// Items of several providers can come together: {{ $json.provider }} sends each to its own.
		noDataExpression: false,
		description: 'The provider that has the task',
	},
	operation,
	...(withList.length > 0 ? withoutList : []).map((each) =>
		shownFor(
			[each],
			{
				displayName: `${each.label} has no list of tasks. Choose ${labelsOf(withList, 'or')}, or another operation.`,
				name: 'noListNotice',
				type: 'notice',
				default: '',
			},
			{ operation: ['getMany'] },
		),
	),
	{
		displayName: 'Task ID',
		name: 'taskId',
		type: 'string',
		default: '={{ $json.taskId }}',
		builderHint: { propertyHint: 'Keep the default after another Kling node' },
		required: true,
		description:
			'The task to look up. For items of both providers, let Provider be an expression that takes it from the item.',
		displayOptions: { show: onOneTask },
	},
	...endpointProperties(
		{
			description:
				'The endpoint that made the task. Ignored for an item of a Kling node, which brings it along.',
		},
		onOneTask,
	),
	returnAll,
	limit,
	// An agent has no use for a file.
	...withToolDefault(
		{
			...downloadVideo,
			description:
				'Whether to fetch the video into a binary field when the task has finished; the links expire, the file stays',
			displayOptions: { show: onStatus },
		},
		false,
	),
	{
		...binaryPropertyName,
		displayOptions: { show: { ...onStatus, downloadVideo: [true] } },
	},
	{
		...binaryPropertyName,
		displayOptions: { show: { operation: ['download'] } },
	},
	routeByStatus,
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add Option',
		default: {},
		options: [pollInterval, waitLimit, whileWaiting],
		displayOptions: { show: { operation: ['wait'] } },
	},
];
