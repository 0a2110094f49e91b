import type { INodeProperties } from 'n8n-workflow';
import { allProviders } from '../shared/providers';
import { provider, shownFor } from '../shared/providers/nodeProperties';
import { binaryPropertyName, downloadVideo } from '../shared/parameters/optionProperties';

function notice(name: string, displayName: string, show: Record<string, string[]>) {
	return { displayName, name, type: 'notice', default: '', displayOptions: { show } } as const;
}

const runningEvents = allProviders
	.flatMap(({ label, trigger: { runningEvent: event } }) =>
		event ? [` (for ${label}: event ${event})`] : [],
	)
	.join('');

export const events: INodeProperties = {
	displayName: 'Trigger On',
	name: 'events',
	type: 'multiOptions',
	noDataExpression: true,
	options: [
		{ name: 'Completed', value: 'completed', description: 'The video is there' },
		{ name: 'Failed', value: 'failed', description: 'The provider could not make the video' },
		{
			name: 'Running',
			value: 'running',
			description: `The task was taken on, or is at work${runningEvents}`,
		},
	],
	default: ['completed', 'failed'],
	required: true,
	description:
		'The events that start the workflow, with one execution each. If several n8n processes receive callbacks, an event may rarely start two, with the same dedupeKey.',
};

/**
 * Makes n8n call the node as soon as the headers of a callback are there. Without it, n8n first reads
 * and parses the body, up to 16 MB of it, unpacks it, writes forms to disk, and holds an expression
 * sandbox (11 MB) for as long as the caller takes. n8n asks for this parameter of its own Webhook node
 * at every node of version 1. Where it does not, the node gets the body that n8n has read.
 */
const unreadBody: INodeProperties = {
	displayName: 'Options',
	name: 'options',
	type: 'hidden',
	default: { binaryData: true },
};

export const properties: INodeProperties[] = [
	{ ...provider, description: 'The provider that sends the callbacks' },
	...allProviders.map(({ name, trigger }) =>
		notice(`${name}Notice`, trigger.notice, { provider: [name] }),
	),
	...allProviders.map((each) => shownFor([each], each.trigger.authentication)),
	notice(
		'secretNotice',
		'Enter the Webhook Secret, of 16 bytes or more, in the credential. Without it every callback is refused with HTTP 503.',
		{ authentication: ['signature'] },
	),
	events,
	downloadVideo,
	{ ...binaryPropertyName, displayOptions: { show: { downloadVideo: [true] } } },
	unreadBody,
];
