import type { IExecuteFunctions } from 'n8n-workflow';
import { hostsOutOfReach } from '../../shared/http/reach';
import { addressesIn, mediaIn } from '../../shared/media/media';
import { PUBLIC_ADDRESS_ADVICE } from '../../shared/n8n/publicAddress';
import type { TaskRequest } from '../request/itemRequest';
import { provideProblem } from '../submit/provideMedia';

/**
 * Whether the provider can ask for everything that a request names. Judged by the addresses alone: nothing is sent.
 * @returns a sentence for each address that it cannot ask
 * @throws NotReached when the credential cannot work
 */
export async function reachProblems(
	context: IExecuteFunctions,
	request: TaskRequest,
): Promise<string[]> {
	const { provider, callbackUrl, body } = request;
	const { label } = provider;
	const isHostOutOfReach = await hostsOutOfReach(context, provider);
	const isOutOfReach = (url: string) => isHostOutOfReach(new URL(url).hostname);
	const problems: string[] = [];
	if (callbackUrl !== undefined && isOutOfReach(callbackUrl)) {
		problems.push(
			`${label} cannot call n8n back at ${new URL(callbackUrl).host}, which is no public address: ${PUBLIC_ADDRESS_ADVICE}, or choose Wait Until Done`,
		);
	}
	for (const media of mediaIn(body)) {
		const problem = await provideProblem(context, request, media, isHostOutOfReach);
		if (problem) problems.push(problem);
	}
	for (const address of addressesIn(body)) {
		if (!isOutOfReach(address.url)) continue;
		problems.push(
			`${address.label}: ${label} cannot reach ${new URL(address.url).host}, which is no public address: ${adviceFor(address.kind)}`,
		);
	}
	return problems;
}

function adviceFor(kind: 'video' | 'image' | undefined): string {
	switch (kind) {
		case 'video':
			return 'put the file where it has a public URL, or choose Reference Video: Binary File';
		case 'image':
			return 'give a public URL, or the image itself: as Base64, or by the name of its binary field';
		default:
			return 'give one that the internet can reach';
	}
}
