// @ts-check
// The workflow that people draw who have no node for the provider: create, wait, ask, and back until all are done. It is
// drawn with care: the batch goes round together, so that there are never more tasks than the batch is large.
import { AS_FILE, httpRequest, items, start } from './nodes.mjs';
import { node, wire } from '../../workflow.mjs';

const PATH = '/v1/ai/reference-to-video/kling-v3-omni';

/** @param {number} seconds */
const wait = (seconds) =>
	node(
		'Wait',
		'wait',
		{ amount: seconds, unit: 'seconds' },
		{ typeVersion: 1.1, webhookId: 'wait' },
	);

const allDone = () =>
	node(
		'All Done?',
		'if',
		{
			conditions: {
				options: { version: 2, caseSensitive: true, leftValue: '', typeValidation: 'strict' },
				combinator: 'and',
				conditions: [
					{
						id: 'done',
						leftValue: "={{ $input.all().every((item) => item.json.data.status === 'COMPLETED') }}",
						rightValue: '',
						operator: { type: 'boolean', operation: 'true', singleValue: true },
					},
				],
			},
			options: {},
		},
		{ typeVersion: 2.2 },
	);

/**
 * @param {object} options
 * @param {string} options.apiUrl
 * @param {import('./nodes.mjs').Credentials} options.credentials
 * @param {number} options.count of items
 * @param {number} options.atOnce
 * @param {number} options.waitSeconds between two looks
 * @param {string} options.videoUrl
 */
export function pollingLoop({ apiUrl, credentials, count, atOnce, waitSeconds, videoUrl }) {
	const create = {
		method: 'POST',
		sendBody: true,
		specifyBody: 'json',
		jsonBody: JSON.stringify({ video_url: videoUrl, prompt: 'As in @Video1' }),
	};
	const askUrl = `=${apiUrl}${PATH}/{{ $json.data.task_id }}`;
	return {
		name: `Polling loop over ${count}`,
		nodes: [
			start(),
			items(count),
			node('Loop', 'splitInBatches', { batchSize: atOnce, options: {} }, { typeVersion: 3 }),
			httpRequest('Create', `${apiUrl}${PATH}-std`, create, credentials),
			wait(waitSeconds),
			httpRequest('Ask', askUrl, {}, credentials),
			allDone(),
			httpRequest('Download', '={{ $json.data.generated[0] }}', AS_FILE),
		],
		connections: wire([
			['Start', 'Items'],
			['Items', 'Loop'],
			['Loop', 'Create', 1],
			['Create', 'Wait'],
			['Wait', 'Ask'],
			['Ask', 'All Done?'],
			['All Done?', 'Download', 0],
			['All Done?', 'Wait', 1],
			['Download', 'Loop'],
		]),
		settings: { executionOrder: 'v1' },
	};
}
