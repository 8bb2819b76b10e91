/* The kernels of compiled int8 networks: portable C11, and Arm's DSP instructions where the target has them.
 *
 * Both forms give the same bytes as TensorFlow Lite Micro's reference kernels. Every function is re-entrant: no heap,
 * no global state. Rows and columns are int8 and int16; a tensor's zero point is always the integer that stands for 0.
 *
 * Define TN_SPECIALISE before including this file to inline every kernel into its call, so that constant parameter
 * structs fold into the loops: faster, and larger by one copy of the kernel for each call.
 */
#ifndef TINYNAS_KERNELS_H
#define TINYNAS_KERNELS_H

#include "tn_common.h"
#include "tn_depthwise.h"
#include "tn_elementwise.h"
#include "tn_expand.h"
#include "tn_matrix.h"
#include "tn_pool.h"
#include "tn_rows.h"
#include "tn_softmax.h"
#include "tn_steps.h"

#endif
