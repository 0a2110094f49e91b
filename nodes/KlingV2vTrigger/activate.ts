import type { IHookFunctions } from 'n8n-workflow';
import { readSecret } from './receive';
import { secretAdvice } from './replies';
import { readSettings } from './settings';
import { secretFault } from './signature';

/**
 * n8n activates workflows again when it starts, with nobody to read an error, and would leave out
 * one that throws. There the trigger stays reachable, and refuses callbacks until the secret is right.
 */
const BY_N8N_ITSELF = new Set(['init', 'leadershipChange']);

/** @returns why no callback would pass the signature check, or undefined */
export async function activationProblem(context: IHookFunctions): Promise<string | undefined> {
	const { provider, isSigned } = readSettings(context);
	if (!isSigned || BY_N8N_ITSELF.has(context.getActivationMode())) return undefined;
	const fault = secretFault(await readSecret(context, provider));
	return fault && secretAdvice(fault, provider);
}
