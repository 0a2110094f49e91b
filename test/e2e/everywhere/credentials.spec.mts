import { freePort } from '../../../dev/server/ports.mjs';
import { expect, test } from '../fixtures.mts';
import { billedTasks } from '../stage.mts';

const CREDENTIALS = [
	{ type: 'magnificApi', wrongKey: /Magnific does not accept this API key/ },
	{ type: 'muleRouterApi', wrongKey: /MuleRouter does not accept this API key/ },
];

for (const { type, wrongKey } of CREDENTIALS) {
	test(`n8n's test of ${type} tells a right key, pasted as it may be, a wrong key and a host that is down apart`, async ({
		stage,
		instance,
		kind,
	}) => {
		const { id } = stage.credentials[type];
		const tried = async (changes: Record<string, unknown> = {}) =>
			await instance.session.testCredential(id, changes);

		const right = await tried();
		expect(right.status, right.message).toBe('OK');

		const wrong = await tried({ apiKey: 'emulator' });
		// MuleRouter's test has to say which error is a good answer, and n8n 1 takes every answer for one.
		if (kind === 'oldest' && type === 'muleRouterApi') expect(wrong.status).toBe('OK');
		else expect(wrong).toMatchObject({ status: 'Error', message: expect.stringMatching(wrongKey) });

		for (const pasted of ['Bearer emulator-new-key', ' "emulator-new-key"\n']) {
			const { status, message } = await tried({ apiKey: pasted });
			expect(status, `${JSON.stringify(pasted)}: ${message}`).toBe('OK');
		}

		const down = await tried({ baseUrl: `http://127.0.0.1:${await freePort()}` });
		expect(down).toMatchObject({
			status: 'Error',
			message: expect.stringMatching(/refused|ECONNREFUSED|connect/i),
		});
		expect(await billedTasks(stage), 'testing is free').toBe(0);
	});
}
