// @ts-check
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '../../server/problem.mjs';

/** @typedef {{ body: string, headers?: Record<string, string> }} Post */

/** Until n8n is asked again that said it could not take a call just now. */
const PAUSE_MS = 500;
const MOST_TRIES = 40;

/**
 * Sends all, some at a time, on connections that stay open, as a proxy in front of n8n does. What n8n turns away with 503,
 * which it does when its database is late, is sent again: nothing has been started then.
 *
 * @param {string} url
 * @param {Post[]} posts
 * @param {number} atOnce
 * @returns {Promise<number>} milliseconds until the last is answered
 * @throws {Problem} when one is not accepted
 */
export async function postAll(url, posts, atOnce) {
	const agent = new http.Agent({ keepAlive: true, maxSockets: atOnce });
	const began = performance.now();
	let next = 0;
	const sender = async () => {
		for (let post = posts[next++]; post; post = posts[next++]) await insist(url, agent, post);
	};
	try {
		await Promise.all(Array.from({ length: atOnce }, sender));
	} finally {
		agent.destroy();
	}
	return performance.now() - began;
}

/** @param {string} url @param {http.Agent} agent @param {Post} post */
async function insist(url, agent, post) {
	for (let tries = 1; ; tries++) {
		const { status, text } = await send(url, agent, post);
		if (status === 200) return;
		if (status !== 503 || tries === MOST_TRIES) {
			throw new Problem(`n8n answered a call of the bench with ${status}: ${text.slice(0, 300)}`);
		}
		await sleep(PAUSE_MS);
	}
}

/** @param {string} url @param {http.Agent} agent @param {Post} post @returns {Promise<{ status: number | undefined, text: string }>} */
function send(url, agent, { body, headers }) {
	return new Promise((resolve, reject) => {
		const request = http.request(
			url,
			{
				method: 'POST',
				agent,
				headers: {
					'content-type': 'application/json',
					'content-length': Buffer.byteLength(body),
					...headers,
				},
			},
			(response) => {
				let text = '';
				response.setEncoding('utf8').on('data', (piece) => (text += piece));
				response.once('end', () => resolve({ status: response.statusCode, text }));
			},
		);
		request.once('error', reject).end(body);
	});
}
