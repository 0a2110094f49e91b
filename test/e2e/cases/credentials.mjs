// @ts-check
import assert from 'node:assert/strict';
import { freePort } from '../../../dev/server/ports.mjs';
import { Stage } from '../stage.mjs';

/** @type {Record<string, { label: string, wrongKey: RegExp }>} */
const ALL = {
	magnificApi: { label: 'Magnific', wrongKey: /Magnific does not accept this API key/ },
	muleRouterApi: { label: 'MuleRouter', wrongKey: /MuleRouter does not accept this API key/ },
};

/**
 * The test that n8n makes when a credential is opened or saved.
 *
 * @param {import('../world.mjs').World} world
 * @param {string[]} [types]
 * @returns {import('../report.mjs').Case[]}
 */
export const credentialCases = (world, types = Object.keys(ALL)) =>
	types.map((type) => {
		const { label, wrongKey } = /** @type {typeof ALL[string]} */ (ALL[type]);
		return {
			name: `${label} credential: right key, wrong key, host down`,
			run: async () =>
				await Stage.for(world, {}, async (stage) => {
					const { id } = /** @type {{ id: string }} */ (stage.credentials[type]);
					const test = async (/** @type {Record<string, unknown>} */ changes = {}) =>
						await world.session.testCredential(id, changes);

					const right = await test();
					assert.equal(right.status, 'OK', right.message);

					const wrong = await test({ apiKey: 'emulator' });
					assert.equal(wrong.status, 'Error');
					assert.match(wrong.message, wrongKey);

					const down = await test({ baseUrl: `http://127.0.0.1:${await freePort()}` });
					assert.equal(down.status, 'Error');
					assert.match(down.message, /refused|ECONNREFUSED|connect/i);

					assert.equal((await stage.state()).billed, 0, 'testing is free');
					return `"${wrong.message}", "${down.message}"`;
				}),
		};
	});
