// @ts-check
import http from 'node:http';
import { Problem } from '../../server/problem.mjs';

/** @typedef {{ body: string, headers?: Record<string, string> }} Post */

/**
 * Sends all, some at a time, on connections that stay open, as a proxy in front of n8n does.
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
		for (let post = posts[next++]; post; post = posts[next++]) await send(url, agent, post);
	};
	try {
		await Promise.all(Array.from({ length: atOnce }, sender));
	} finally {
		agent.destroy();
	}
	return performance.now() - began;
}

/** @param {string} url @param {http.Agent} agent @param {Post} post @returns {Promise<void>} */
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
				response.resume();
				response.once('end', () => {
					if (response.statusCode === 200) resolve();
					else reject(new Problem(`n8n answered a call of the bench with ${response.statusCode}.`));
				});
			},
		);
		request.once('error', reject).end(body);
	});
}
