import type { IDataObject } from 'n8n-workflow';
import { readAccount } from '../shared/http/credential';
import type { NodeRun } from '../shared/n8n/nodeRun';
import type { Outcome } from '../shared/n8n/output';
import type { TaskRequest } from './request/itemRequest';

/** @returns the request that would create the task of an item; it is not sent, and holds no key */
export async function preview(
	{ context }: Pick<NodeRun, 'context'>,
	{ provider, endpoint, path, body, callbackUrl }: TaskRequest,
): Promise<Outcome> {
	const { base } = await readAccount(context, provider);
	const request = {
		method: 'POST',
		url: base + path,
		body: jsonOf(body, callbackUrl),
	};
	return { preview: { provider: provider.name, endpoint, request } };
}

/** The body as it would be sent, without the resume URL: a call of that continues the execution. */
function jsonOf(body: Record<string, unknown>, callbackUrl?: string): IDataObject {
	const text = JSON.stringify(body, (_name, value: unknown) =>
		callbackUrl !== undefined && value === callbackUrl ? '[resume URL]' : value,
	);
	return JSON.parse(text) as IDataObject;
}
