/* Walk a recorded walk: samples as CSV on standard input, the path as CSV on standard output.
 *
 *     ./replay < walk/samples.csv > path.csv
 *     ./replay walk/path.csv < walk/samples.csv      # compares with a path that was computed elsewhere; 1: it differs
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "@name@.h"

/* An input on the edge between two integers may fall to either side; such steps add up to a few millimetres. */
#define TOLERANCE_M 0.05f

static int read_sample(float sample[9]) {
    char line[512];
    while (fgets(line, sizeof line, stdin) != NULL) {
        memset(sample, 0, 9 * sizeof *sample);
        const int found = sscanf(line, "%f,%f,%f,%f,%f,%f,%f,%f,%f", sample, sample + 1, sample + 2, sample + 3,
                                 sample + 4, sample + 5, sample + 6, sample + 7, sample + 8);
        if (found >= (@NAME@_NORTH ? 9 : 6)) {
            return 1; /* all other lines are headings */
        }
    }
    return 0;
}

/* The next position of the other path. */
static int read_position(FILE *expected, float position[2]) {
    char line[512];
    while (fgets(line, sizeof line, expected) != NULL) {
        if (sscanf(line, "%*f,%*f,%*f,%f,%f", position, position + 1) == 2) {
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    FILE *const expected = argc > 1 ? fopen(argv[1], "r") : NULL;
    float sample[9], position[2], apart = 0.0f;
    long samples = 0, velocities = 0, missing = 0;
    if (argc > 1 && expected == NULL) {
        perror(argv[1]);
        return 2;
    }
    if (expected == NULL) {
        printf("time_s,vx_m_s,vy_m_s,x_m,y_m\n");
    }
    @name@_start();
    while (read_sample(sample)) {
        samples++;
        if (!@name@_push(sample, sample + 3, sample + 6)) {
            continue;
        }
        const float *const v = @name@_velocity(), *const p = @name@_position();
        velocities++;
        if (expected == NULL) {
            printf("%.6f,%.6f,%.6f,%.6f,%.6f\n", (double)((float)(samples - 1) / @NAME@_RATE_HZ), (double)v[0],
                   (double)v[1], (double)p[0], (double)p[1]);
        } else if (read_position(expected, position)) {
            const float far = hypotf(p[0] - position[0], p[1] - position[1]);
            apart = far > apart || far != far ? far : apart;
        } else {
            missing++;
        }
    }
    if (expected == NULL) {
        return 0;
    }
    missing += read_position(expected, position);
    printf("%ld samples, %ld velocities, at most %.4f m apart\n", samples, velocities, (double)apart);
    return missing || velocities == 0 || !(apart <= TOLERANCE_M);
}
